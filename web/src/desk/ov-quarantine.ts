/** Files that could not be taken, each with its reason and what to do about it. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import type { Client } from '../client/index.js';
import { formatMoment } from '../panels/format.js';
import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import { emit } from '../panels/signal.js';
import type { QuarantineItem } from '../words/index.js';

@customElement('ov-quarantine')
export class OvQuarantine extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) isIdentityHidden = false;
  @state() private items: readonly QuarantineItem[] | undefined;
  @state() private problem = '';
  @query('dialog') private dialog!: HTMLDialogElement;

  static override styles = [
    look,
    css`
      dialog {
        width: min(560px, 100vw);
        max-width: none;
        height: 100dvh;
        max-height: none;
        margin: 0 0 0 auto;
        padding: 0;
        border: 0;
        border-left: 1px solid var(--ov-line);
        background: var(--ov-surface);
        color: var(--ov-text);
        box-shadow: var(--ov-shadow);
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 55%);
      }
      header {
        position: sticky;
        top: 0;
        display: flex;
        align-items: center;
        justify-content: space-between;
        height: 52px;
        padding: 0 8px 0 16px;
        border-bottom: 1px solid var(--ov-line);
        background: var(--ov-surface);
      }
      h1 {
        font-size: var(--ov-size-large);
        font-weight: 600;
      }
      .lead {
        padding: 12px 16px;
        color: var(--ov-muted);
      }
      li {
        padding: 12px 16px;
        border-top: 1px solid var(--ov-line);
        overflow-wrap: anywhere;
      }
      .reason {
        font-weight: 600;
      }
      .remedy {
        margin: 4px 0;
      }
      .tool {
        min-width: 44px;
        height: 44px;
      }
    `,
  ];

  protected override firstUpdated(): void {
    this.dialog.showModal();
    void this.load();
  }

  override render(): TemplateResult {
    return html`<dialog aria-labelledby="title" @close=${() => emit(this, 'ov-close-quarantine')} @click=${this.closeOutside}>
      <header>
        <h1 id="title">Quarantine</h1>
        <button class="tool" type="button" aria-label="Close" @click=${() => this.dialog.close()}>${icon('x')}</button>
      </header>
      <p class="lead">These files were kept out of the archive. Nothing in them was analysed.</p>
      ${this.problem === '' ? nothing : html`<p class="lead" role="alert">${this.problem}</p>`}
      <ul aria-busy=${this.items === undefined ? 'true' : 'false'}>
        ${this.items?.map((item) => this.renderItem(item))}
      </ul>
      ${this.items?.length === 0 ? html`<p class="lead">Nothing is in quarantine.</p>` : nothing}
    </dialog>`;
  }

  private renderItem(item: QuarantineItem): TemplateResult {
    const facts = [this.isIdentityHidden ? '' : item.file_name, item.source, formatMoment(item.received_at)];
    return html`<li>
      <p class="reason">${item.reason}</p>
      <p class="remedy">${item.remedy}</p>
      <p class="muted small">${facts.filter((fact) => fact !== '').join(' · ')}</p>
    </li>`;
  }

  private async load(): Promise<void> {
    try {
      this.items = await this.client.quarantine();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.problem = `The list can’t be loaded: ${error.message}`;
    }
  }

  private readonly closeOutside = (event: MouseEvent): void => {
    if (event.target === this.dialog) this.dialog.close();
  };
}
