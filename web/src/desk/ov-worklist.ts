/** Who is to be read first, by itself and at once. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import type { Row, Subscription } from '../words/index.js';
import type { FeedState, WorklistFeed } from './feed.js';
import { rowView } from './row-view.js';
import { emit } from '../panels/signal.js';

type Tab = 'critical' | 'all';

const TICK_MS = 10_000;
const MOVE_MS = 140;

@customElement('ov-worklist')
export class OvWorklist extends LitElement {
  @property({ attribute: false }) feed!: WorklistFeed;
  @property({ attribute: false }) isIdentityHidden = false;
  @property({ attribute: false }) seesQuarantine = false;
  @state() private content!: FeedState;
  @state() private tab: Tab = 'all';
  @state() private nowMs = Date.now();
  @query('ol') private list!: HTMLElement | null;

  private subscription: Subscription | undefined;
  private clock: ReturnType<typeof setInterval> | undefined;
  private tops = new Map<string, number>();

  static override styles = [
    look,
    rowView.styles,
    css`
      :host {
        display: block;
      }
      .tabs {
        position: sticky;
        top: 53px;
        z-index: 4;
        display: flex;
        gap: 4px;
        align-items: center;
        height: 48px;
        padding: 0 8px;
        border-bottom: 1px solid var(--ov-line);
        background: var(--ov-ground);
      }
      .tablist {
        display: flex;
        gap: 4px;
      }
      .tab {
        position: relative;
        height: 48px;
        padding: 0 12px;
        border: 0;
        background: none;
        color: var(--ov-muted);
      }
      .tab:hover,
      .tab[aria-selected='true'] {
        color: var(--ov-text);
      }
      .tab[aria-selected='true']::after {
        position: absolute;
        inset: auto 8px -1px;
        height: 2px;
        background: var(--ov-text);
        content: '';
      }
      .tab b {
        margin-left: 4px;
      }
      .tab.has-critical b {
        color: var(--ov-critical);
      }
      .space {
        flex: 1;
      }
      .columns {
        display: none;
      }
      .note {
        display: flex;
        gap: 8px;
        align-items: center;
        padding: 12px 16px;
        border-bottom: 1px solid var(--ov-line);
        color: var(--ov-caution);
      }
      .empty {
        max-width: 560px;
        margin: 48px auto;
        padding: 0 16px;
      }
      .empty h2 {
        margin-bottom: 8px;
        font-size: var(--ov-size-large);
      }
      .empty ul {
        display: grid;
        gap: 12px;
        margin-top: 16px;
      }
      .empty code {
        display: block;
        margin-top: 4px;
        padding: 8px 12px;
        border: 1px solid var(--ov-line);
        border-radius: var(--ov-radius);
        background: var(--ov-surface);
        font: 13px / 1.5 ui-monospace, 'DejaVu Sans Mono', monospace;
        overflow-wrap: anywhere;
      }
      .waiting .skeleton {
        height: 14px;
        margin: 4px 0;
      }
      .waiting .thumb {
        background: var(--ov-raised);
      }
      .s1 {
        width: 55%;
      }
      .s2 {
        width: 80%;
      }
      .s3 {
        width: 30%;
      }
      @media (min-width: 1000px) {
        .tabs {
          padding: 0 12px;
        }
        .columns {
          display: grid;
          grid-template-columns: 56px minmax(0, 1.1fr) minmax(0, 1.5fr) minmax(0, 1fr) 128px;
          gap: 0 20px;
          padding: 8px 24px;
          border-bottom: 1px solid var(--ov-line);
          color: var(--ov-muted);
          font-size: var(--ov-size-small);
        }
        .columns span:first-child {
          grid-column: 2;
        }
        .columns span:last-child {
          text-align: right;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.content = this.feed.get();
    this.subscription = this.feed.on((content) => {
      this.rememberPlaces();
      this.content = content;
    });
    this.clock = setInterval(() => {
      this.nowMs = Date.now();
      this.feed.age(this.nowMs);
    }, TICK_MS);
  }

  override disconnectedCallback(): void {
    this.subscription?.dispose();
    clearInterval(this.clock);
    super.disconnectedCallback();
  }

  protected override updated(): void {
    this.moveRows();
  }

  override render(): TemplateResult {
    const { rows, isLoaded, problem, announcement, quarantined } = this.content;
    const critical = rows.filter((row) => row.is_critical);
    const shown = this.tab === 'critical' ? critical : rows;
    return html`<main>
      <h1 class="unseen">Worklist</h1>
      <div class="tabs">
        <div class="tablist" role="tablist" aria-label="Which studies" @keydown=${this.switchTab}>
          ${this.renderTab('critical', 'Critical', critical.length)} ${this.renderTab('all', 'All', rows.length)}
        </div>
        <span class="space"></span>
        ${this.seesQuarantine && quarantined > 0
          ? html`<button class="tool" type="button" @click=${() => emit(this, 'ov-open-quarantine')}>
              ${icon('archiveX')} ${quarantined} in quarantine
            </button>`
          : nothing}
      </div>
      ${problem === ''
        ? nothing
        : html`<p class="note" role="alert">${icon('circleAlert')}<span>${problem} Trying again by itself.</span></p>`}
      <div class="columns" aria-hidden="true">
        <span>Study</span><span>AI suggestion</span><span>Analysis</span><span>Waiting</span>
      </div>
      <div id="studies" role="tabpanel" aria-labelledby=${`tab-${this.tab}`} aria-busy=${isLoaded ? 'false' : 'true'}>
        ${isLoaded || rows.length > 0 ? this.renderRows(shown, rows.length) : this.renderSkeleton()}
      </div>
      <p class="unseen" role="status" aria-label="Changes">${announcement}</p>
    </main>`;
  }

  private renderTab(tab: Tab, words: string, count: number): TemplateResult {
    const isChosen = tab === this.tab;
    const isRed = tab === 'critical' && count > 0;
    return html`<button id=${`tab-${tab}`} class=${isRed ? 'tab has-critical' : 'tab'} role="tab" type="button"
      aria-selected=${isChosen ? 'true' : 'false'} aria-controls="studies" tabindex=${isChosen ? 0 : -1}
      @click=${() => (this.tab = tab)}>
      ${words} <b>${count}</b>
    </button>`;
  }

  private renderRows(rows: readonly Row[], total: number): TemplateResult {
    if (rows.length === 0) return total === 0 ? this.renderEmpty() : this.renderNoCritical(total);
    return html`<ol aria-label="Studies, first to be read first">
      ${repeat(
        rows,
        (row) => row.study_instance_uid,
        (row) => html`<li data-study-uid=${row.study_instance_uid} data-state=${row.analysis.state}>
          ${rowView.render(row, this.nowMs, this.isIdentityHidden)}
        </li>`,
      )}
    </ol>`;
  }

  private renderNoCritical(total: number): TemplateResult {
    return html`<div class="empty">
      <h2>No critical study</h2>
      <p class="muted">${total} ${total === 1 ? 'study is' : 'studies are'} under “All”.</p>
    </div>`;
  }

  private renderEmpty(): TemplateResult {
    const origin = window.location.origin;
    return html`<div class="empty">
      <h2>No study yet</h2>
      <p class="muted">Send one and it appears here by itself, with the state of its analysis.</p>
      <ul>
        <li>From files on the server’s machine: <code>overread import FOLDER</code></li>
        <li>
          From a PACS, router or modality that speaks DICOMweb, by STOW-RS to
          <code>${origin}/dicomweb/studies</code>
        </li>
      </ul>
    </div>`;
  }

  private renderSkeleton(): TemplateResult {
    return html`<div class="waiting" aria-label="Loading the worklist">
      ${[1, 2, 3, 4, 5].map(
        () => html`<div class="row">
          <span class="thumb"></span>
          <div class="study"><div class="skeleton s1"></div><div class="skeleton s2"></div></div>
          <div class="when"><div class="skeleton s3"></div></div>
        </div>`,
      )}
    </div>`;
  }

  private readonly switchTab = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    this.tab = this.tab === 'all' ? 'critical' : 'all';
    void this.updateComplete.then(() => {
      this.renderRoot.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    });
  };

  private rememberPlaces(): void {
    this.tops = new Map();
    for (const item of this.list?.children ?? []) {
      const uid = item.getAttribute('data-study-uid');
      if (uid !== null) this.tops.set(uid, item.getBoundingClientRect().top);
    }
  }

  /** A row that changed its place slides there, unless the system asks for no motion. */
  private moveRows(): void {
    const before = this.tops;
    this.tops = new Map();
    if (before.size === 0 || window.matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    for (const item of this.list?.children ?? []) {
      const from = before.get(item.getAttribute('data-study-uid') ?? '');
      if (from === undefined) continue;
      const distance = from - item.getBoundingClientRect().top;
      if (Math.abs(distance) < 1) continue;
      item.animate(
        [{ transform: `translateY(${distance}px)` }, { transform: 'none' }],
        { duration: MOVE_MS, easing: 'ease-out' },
      );
    }
  }
}
