/** A score as a number; what the number means is one hover, tap or key away. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { formatConfidence } from './format.js';
import { look } from './look.js';

@customElement('ov-confidence')
export class OvConfidence extends LitElement {
  @property({ attribute: false }) value: number | null = null;
  /** What the model's makers say the score means. */
  @property() meaning = '';
  @state() private isOpen = false;

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
        position: absolute;
        right: 0;
        top: calc(100% + 4px);
        z-index: 3;
        width: max-content;
        max-width: min(264px, 80vw);
        padding: 8px 12px;
        border: 1px solid var(--ov-line-strong);
        border-radius: var(--ov-radius);
        background: var(--ov-raised);
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
      ${this.isOpen ? html`<span class="meaning" role="note">${meaning}</span>` : nothing}`;
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
