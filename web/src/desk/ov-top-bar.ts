/** Name, pages, connection, privacy and leaving: the same on every page but the reading page. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { LiveState } from '../client/index.js';
import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import type { Session } from '../words/index.js';
import { brand } from './brand.js';
import { connection } from './connection.js';
import type { Preferences } from './preferences.js';
import { emit } from '../panels/signal.js';
import type { Route } from './route.js';

@customElement('ov-top-bar')
export class OvTopBar extends LitElement {
  @property({ attribute: false }) session!: Session;
  @property({ attribute: false }) page: Route['page'] = 'worklist';
  @property({ attribute: false }) live: LiveState = 'stopped';
  @property({ attribute: false }) waiting = 0;
  @property({ attribute: false }) preferences!: Preferences;
  @state() private isOpen = false;

  static override styles = [
    look,
    brand.styles,
    connection.styles,
    css`
      :host {
        display: block;
        position: sticky;
        top: 0;
        z-index: 5;
        border-bottom: 1px solid var(--ov-line);
        background: var(--ov-surface);
      }
      header {
        display: flex;
        align-items: center;
        gap: 8px;
        height: 52px;
        padding: 0 16px;
      }
      a.home {
        display: flex;
        text-decoration: none;
      }
      nav {
        display: flex;
        gap: 4px;
        margin-left: 16px;
      }
      .space {
        flex: 1;
      }
      .tool {
        text-decoration: none;
      }
      .user {
        padding: 8px 12px;
        border-bottom: 1px solid var(--ov-line);
      }
      .menu {
        position: absolute;
        right: 8px;
        top: 52px;
        min-width: 240px;
        padding: 4px;
        border: 1px solid var(--ov-line-strong);
        border-radius: var(--ov-radius);
        background: var(--ov-surface);
        box-shadow: var(--ov-shadow);
      }
      .menu .tool {
        justify-content: flex-start;
        width: 100%;
        height: 44px;
        gap: 12px;
        color: var(--ov-text);
      }
      .narrow {
        display: none;
      }
      @media (max-width: 719px) {
        header {
          padding: 0 8px 0 16px;
        }
        nav {
          display: none;
        }
        .narrow {
          display: block;
        }
        .wide {
          display: none;
        }
        .tool {
          min-width: 44px;
          height: 44px;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('pointerdown', this.closeOutside);
  }

  override disconnectedCallback(): void {
    document.removeEventListener('pointerdown', this.closeOutside);
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    const { isIdentityHidden } = this.preferences;
    return html`<header>
      <a class="home" href="/" aria-label="Overread, worklist">${brand.render()}</a>
      <nav aria-label="Pages">${this.renderPages()}</nav>
      <span class="space"></span>
      ${connection.render(this.live, this.waiting)}
      <button class="tool" type="button" aria-pressed=${isIdentityHidden ? 'true' : 'false'}
        title="Hide names and numbers of patients" @click=${() => emit(this, 'ov-toggle-identity')}>
        ${icon(isIdentityHidden ? 'eyeOff' : 'shield')}
        <span class="wide">${isIdentityHidden ? 'Identity hidden' : 'Hide identity'}</span>
        <span class="unseen narrow">Hide identity</span>
      </button>
      <button class="tool" type="button" aria-label="Menu" aria-haspopup="true"
        aria-expanded=${this.isOpen ? 'true' : 'false'} @click=${() => (this.isOpen = !this.isOpen)}>
        ${icon('menu')}
      </button>
      ${this.isOpen ? this.renderMenu() : nothing}
    </header>`;
  }

  private renderPages(): TemplateResult {
    const { permissions } = this.session;
    const link = (href: string, page: Route['page'], words: string): TemplateResult =>
      html`<a class="tool" href=${href} aria-current=${page === this.page ? 'page' : 'false'}
        @click=${() => (this.isOpen = false)}>${words}</a>`;
    return html`
      ${link('/', 'worklist', 'Worklist')}
      ${permissions.includes('view models') ? link('/models', 'models', 'Models') : nothing}
      ${permissions.includes('read audit') ? link('/audit', 'audit', 'Audit') : nothing}
    `;
  }

  private renderMenu(): TemplateResult {
    const next = this.preferences.theme === 'dark' ? 'light' : 'dark';
    return html`<div class="menu" @keydown=${this.closeOnEscape}>
      <p class="user">
        ${this.session.display_name}<br /><span class="muted small">${this.session.roles.join(', ')}</span>
      </p>
      <div class="narrow">${this.renderPages()}</div>
      <button class="tool" type="button" @click=${() => emit(this, 'ov-toggle-theme')}>
        ${icon('theme')} Use the ${next} theme
      </button>
      <button class="tool" type="button" @click=${() => emit(this, 'ov-sign-out')}>
        ${icon('logOut')} Sign out
      </button>
    </div>`;
  }

  private readonly closeOutside = (event: PointerEvent): void => {
    if (!event.composedPath().includes(this)) this.isOpen = false;
  };

  private readonly closeOnEscape = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') this.isOpen = false;
  };
}
