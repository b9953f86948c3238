/** Where a claim comes from: never absent beside one, never any other shape. */
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import { formatOrigin } from './format.js';
import { look } from './look.js';

@customElement('ov-chip')
export class OvChip extends LitElement {
  @property() model = '';
  @property() version = '';
  @property({ attribute: false }) confidence: number | null = null;
  @property() status = '';

  static override styles = [
    look,
    css`
      :host {
        display: inline-block;
        max-width: 100%;
      }
      .chip {
        display: inline-block;
        max-width: 100%;
        padding: 0 8px;
        border: 1px dashed var(--ov-ai);
        border-radius: 12px;
        color: var(--ov-ai);
        font-size: var(--ov-size-small);
        line-height: 20px;
      }
    `,
  ];

  override render(): TemplateResult {
    const { model, version, confidence, status } = this;
    return html`<span class="chip">${formatOrigin({ model, version, confidence, status })}</span>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'ov-chip': OvChip;
  }
}
