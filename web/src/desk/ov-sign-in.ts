/** The only page that is reachable without an identity. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { OfflineError, ProblemError, type Client } from '../client/index.js';
import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import { brand } from './brand.js';

@customElement('ov-sign-in')
export class OvSignIn extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private problem = '';
  @state() private isBusy = false;
  @query('#username') private username!: HTMLInputElement;
  @query('#password') private password!: HTMLInputElement;

  static override styles = [
    look,
    brand.styles,
    css`
      :host {
        display: grid;
        min-height: 100dvh;
        place-items: center;
        padding: 24px 16px;
      }
      main {
        width: 100%;
        max-width: 360px;
      }
      .brand {
        font-size: var(--ov-size-title);
      }
      .claim {
        margin: 8px 0 24px;
        color: var(--ov-muted);
      }
      form {
        display: grid;
        gap: 16px;
        padding: 24px;
        border: 1px solid var(--ov-line);
        border-radius: var(--ov-radius);
        background: var(--ov-surface);
      }
      h1 {
        font-size: var(--ov-size-large);
        font-weight: 600;
      }
      label {
        display: grid;
        gap: 4px;
        font-size: var(--ov-size-small);
        color: var(--ov-muted);
      }
      input {
        width: 100%;
        height: 44px;
        padding: 0 12px;
        border: 1px solid var(--ov-line-strong);
        border-radius: var(--ov-radius);
        background: var(--ov-ground);
        color: var(--ov-text);
        font: var(--ov-size-large) var(--ov-font);
      }
      .button {
        min-height: 44px;
      }
      .problem {
        display: flex;
        gap: 8px;
        color: var(--ov-caution);
      }
      .foot {
        margin-top: 16px;
        color: var(--ov-muted);
        font-size: var(--ov-size-small);
      }
    `,
  ];

  override render(): TemplateResult {
    return html`<main>
      ${brand.render()}
      <p class="claim">What the models found, on the image, for you to judge.</p>
      <form @submit=${this.submit}>
        <h1>Sign in</h1>
        <label>
          User name
          <input id="username" name="username" autocomplete="username" autocapitalize="none"
            spellcheck="false" required autofocus />
        </label>
        <label>
          Password
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </label>
        ${this.problem === ''
          ? nothing
          : html`<p class="problem" role="alert">${icon('circleAlert')}<span>${this.problem}</span></p>`}
        <button class="button primary" type="submit" ?disabled=${this.isBusy}>
          ${this.isBusy ? 'Signing in' : 'Sign in'}
        </button>
      </form>
      <p class="foot">Every view and every verdict is written to the audit.</p>
    </main>`;
  }

  private readonly submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void this.signIn();
  };

  private async signIn(): Promise<void> {
    this.problem = '';
    this.isBusy = true;
    try {
      await this.client.session.signIn(this.username.value.trim(), this.password.value);
    } catch (error) {
      if (error instanceof OfflineError) {
        this.problem = 'The server does not answer. Check the network and try again.';
      } else if (error instanceof ProblemError) {
        this.problem = error.message;
        this.password.select();
      } else {
        throw error;
      }
    } finally {
      this.isBusy = false;
    }
  }
}
