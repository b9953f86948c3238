/** A score as a number; what the number means is one hover, tap or key away. */
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { formatConfidence } from './format.js';
import { look } from './look.js';

@customElement('ov-confidence')
export class OvConfidence extends LitElement {
  @property({ attribute: false }) value: number | null = null;
  /** What the model's makers say the score means. */
  @property() meaning = '';
  @state() private isOpen = false;
  @query('button') private button!: HTMLElement;
  @query('.meaning') private note!: HTMLElement;

  static override styles = [
    look,
    css`
      :host {
        position: relative;
        display: inline-block;
      }
      button {
        min-width: 24px;
        min-height: 24px;
        padding: 0 4px;
        border: 0;
        border-bottom: 1px dotted var(--ov-muted);
        background: none;
        color: var(--ov-text);
        font-weight: 600;
      }
      .meaning {
        position: fixed;
        inset: auto;
        width: 264px;
        margin: 0;
        padding: 8px 12px;
        border: 1px solid var(--ov-line-strong);
        border-radius: var(--ov-radius);
        background: var(--ov-raised);
        color: var(--ov-text);
        box-shadow: var(--ov-shadow);
        font-size: var(--ov-size-small);
        font-weight: 400;
        text-align: left;
        white-space: normal;
      }
    `,
  ];

  override render(): TemplateResult {
    const words = formatConfidence(this.value);
    const meaning = this.meaning || 'The model’s card does not say what this score means.';
    return html`<button
        type="button"
        aria-label=${`Score ${words}: what it means`}
        aria-expanded=${this.isOpen ? 'true' : 'false'}
        title=${meaning}
        @click=${this.toggle}
        @blur=${this.close}
        @keydown=${this.closeOnEscape}
      >
        ${words}
      </button>
      <span class="meaning" role="note" popover="manual">${meaning}</span>`;
  }

  /** In the top layer, so that no list that scrolls cuts it off. */
  protected override updated(): void {
    if (this.note.matches(':popover-open') === this.isOpen) return;
    this.note.togglePopover(this.isOpen);
    if (!this.isOpen) return;
    const { right, bottom } = this.button.getBoundingClientRect();
    const { width, height } = this.note.getBoundingClientRect();
    const left = Math.max(8, right - width);
    const top = Math.max(8, Math.min(bottom + 4, window.innerHeight - height - 8));
    this.note.style.left = `${left}px`;
    this.note.style.top = `${top}px`;
  }

  private readonly toggle = (event: Event): void => {
    event.stopPropagation();
    this.isOpen = !this.isOpen;
  };

  private readonly close = (): void => {
    this.isOpen = false;
  };

  private readonly closeOnEscape = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !this.isOpen) return;
    event.stopPropagation();
    this.isOpen = false;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'ov-confidence': OvConfidence;
  }
}
