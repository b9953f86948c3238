/** What can read a study here, and how far each may be believed. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { Client } from '../client/index.js';
import { formatStatus, formatStatusWarning } from '../panels/format.js';
import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import type { ModelCard } from '../words/index.js';
import { toLines } from './card-text.js';

@customElement('ov-models')
export class OvModels extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private cards: readonly ModelCard[] | undefined;
  @state() private problem = '';

  static override styles = [
    look,
    css`
      main {
        display: grid;
        gap: 16px;
        max-width: 960px;
        margin: 0 auto;
        padding: 24px 16px 48px;
      }
      h1 {
        font-size: var(--ov-size-title);
        font-weight: 600;
      }
      article {
        border: 1px solid var(--ov-line);
        border-radius: var(--ov-radius);
        background: var(--ov-surface);
      }
      header {
        padding: 16px;
        border-bottom: 1px solid var(--ov-line);
      }
      h2 {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: baseline;
        font-size: var(--ov-size-large);
        font-weight: 600;
      }
      .warning {
        display: flex;
        gap: 8px;
        margin-top: 8px;
        color: var(--ov-caution);
      }
      dl {
        display: grid;
        grid-template-columns: 136px minmax(0, 1fr);
        gap: 12px 16px;
        padding: 16px;
      }
      dt {
        color: var(--ov-muted);
      }
      dd {
        overflow-wrap: anywhere;
      }
      dd li + li {
        margin-top: 4px;
      }
      code {
        font: 12px ui-monospace, 'DejaVu Sans Mono', monospace;
      }
      @media (max-width: 719px) {
        dl {
          grid-template-columns: minmax(0, 1fr);
          gap: 4px;
        }
        dt {
          margin-top: 8px;
        }
      }
    `,
  ];

  protected override firstUpdated(): void {
    void this.load();
  }

  override render(): TemplateResult {
    return html`<main aria-busy=${this.cards === undefined ? 'true' : 'false'}>
      <h1>Models</h1>
      ${this.problem === '' ? nothing : html`<p class="warning" role="alert">${icon('circleAlert')} ${this.problem}</p>`}
      ${this.cards?.map((card) => this.renderCard(card))}
      ${this.cards?.length === 0 ? html`<p class="muted">No model is registered: studies are shown without analysis.</p>` : nothing}
    </main>`;
  }

  private renderCard(card: ModelCard): TemplateResult {
    const warning = formatStatusWarning(card.status);
    return html`<article aria-labelledby=${`card-${card.name}`} data-model=${card.name}>
      <header>
        <h2 id=${`card-${card.name}`}>
          ${card.title} <span class="muted small">${card.name} ${card.version}</span>
          <span class="tag">${formatStatus(card.status)}</span>
        </h2>
        <p class="muted">${card.manufacturer}</p>
        ${warning === '' ? nothing : html`<p class="warning">${icon('triangleAlert')} ${warning}</p>`}
      </header>
      <dl>
        ${this.renderFact('Phase here', [card.phase, card.phase_note].filter(Boolean).join(': ') || 'silent: no rule names it')}
        ${this.renderFact('Intended use', card.intended_use)} ${this.renderFact('Limits', card.limits)}
        ${this.renderFact('Evidence', card.evidence)} ${this.renderFact('What its score means', card.score_meaning)}
        ${this.renderFact('Flags as', card.flag_text)} ${this.renderFact('Reads', card.inputs)}
        ${this.renderFact('May claim', card.outputs)} ${this.renderFact('Thresholds', card.thresholds)}
        <dt>Digest</dt>
        <dd><code>${card.digest}</code></dd>
      </dl>
    </article>`;
  }

  private renderFact(name: string, value: unknown): TemplateResult | typeof nothing {
    const lines = toLines(value);
    if (lines.length === 0) return nothing;
    return html`<dt>${name}</dt>
      <dd>${lines.length === 1 ? lines[0] : html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`}</dd>`;
  }

  private async load(): Promise<void> {
    try {
      this.cards = await this.client.models();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.cards = [];
      this.problem = `The models can’t be listed: ${error.message}`;
    }
  }
}
