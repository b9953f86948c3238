/** Who did what, in the order in which the chain holds it. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import type { Client } from '../client/index.js';
import { formatMoment } from '../panels/format.js';
import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import type { AuditPage } from '../words/index.js';
import { toWords } from './card-text.js';

type AuditEvent = AuditPage['events'][number];

const PAGE_SIZE = 200;

@customElement('ov-audit')
export class OvAudit extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private events: readonly AuditEvent[] = [];
  @state() private isIntact: boolean | undefined;
  @state() private hasMore = false;
  @state() private problem = '';

  static override styles = [
    look,
    css`
      main {
        padding: 24px 16px 48px;
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 16px;
        align-items: center;
        margin-bottom: 16px;
      }
      h1 {
        font-size: var(--ov-size-title);
        font-weight: 600;
      }
      .chain {
        display: inline-flex;
        gap: 8px;
        align-items: center;
        color: var(--ov-good);
      }
      .chain.is-broken {
        color: var(--ov-caution);
        font-weight: 600;
      }
      .frame {
        overflow-x: auto;
        border: 1px solid var(--ov-line);
        border-radius: var(--ov-radius);
      }
      table {
        width: 100%;
        border-collapse: collapse;
        background: var(--ov-surface);
      }
      th,
      td {
        padding: 8px 12px;
        border-bottom: 1px solid var(--ov-line);
        text-align: left;
        vertical-align: top;
      }
      th {
        color: var(--ov-muted);
        font-size: var(--ov-size-small);
        font-weight: 500;
      }
      td.detail {
        min-width: 240px;
        overflow-wrap: anywhere;
      }
      td.nowrap {
        white-space: nowrap;
      }
      th:first-child,
      td.number {
        text-align: right;
      }
      code {
        font: 12px ui-monospace, 'DejaVu Sans Mono', monospace;
        white-space: nowrap;
      }
      .more {
        margin-top: 16px;
      }
      .outcome {
        color: var(--ov-caution);
      }
    `,
  ];

  protected override firstUpdated(): void {
    void this.load();
  }

  override render(): TemplateResult {
    return html`<main>
      <div class="head">
        <h1>Audit</h1>
        ${this.isIntact === undefined ? nothing : this.renderChain(this.isIntact)}
      </div>
      ${this.problem === '' ? nothing : html`<p role="alert">${this.problem}</p>`}
      <div class="frame" tabindex="0" role="region" aria-label="Audit events">
        <table>
          <thead>
            <tr>
              <th scope="col">No.</th><th scope="col">When</th><th scope="col">Who</th>
              <th scope="col">What</th><th scope="col">Study</th><th scope="col">Detail</th>
              <th scope="col">Hash</th>
            </tr>
          </thead>
          <tbody>
            ${this.events.map((event) => this.renderEvent(event))}
          </tbody>
        </table>
      </div>
      ${this.hasMore
        ? html`<button class="button more" type="button" @click=${() => void this.load()}>Later events</button>`
        : nothing}
    </main>`;
  }

  private renderChain(isIntact: boolean): TemplateResult {
    return isIntact
      ? html`<span class="chain" role="status">${icon('check')} Chain intact</span>`
      : html`<span class="chain is-broken" role="alert">
          ${icon('triangleAlert')} Chain broken: an event was changed or removed. Run “overread audit verify”.
        </span>`;
  }

  private renderEvent(event: AuditEvent): TemplateResult {
    const isRefused = event.outcome !== 'success' && event.outcome !== '';
    return html`<tr>
      <td class="number">${event.sequence}</td>
      <td class="nowrap">${formatMoment(event.occurred_at)}</td>
      <td class="nowrap">${event.actor}</td>
      <td class="nowrap">${event.action}${isRefused ? html` <span class="outcome">${event.outcome}</span>` : nothing}</td>
      <td><code>${event.study_instance_uid ?? ''}</code></td>
      <td class="muted detail">${toWords(event.detail)}</td>
      <td><code title=${event.hash}>${event.hash.slice(0, 12)}</code></td>
    </tr>`;
  }

  private async load(): Promise<void> {
    const after = this.events.at(-1)?.sequence ?? 0;
    try {
      const page = await this.client.audit(after, PAGE_SIZE);
      this.events = [...this.events, ...page.events];
      this.isIntact = page.is_intact;
      this.hasMore = page.events.length === PAGE_SIZE;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.problem = `The audit can’t be read: ${error.message}`;
    }
  }
}
