/** What the models claim of this study, and what people say of each claim, side by side. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import type { QueuedVerdict } from '../client/index.js';
import type { FindingRef, Scene } from '../scene/index.js';
import type { Finding, Result, ResultView, Row } from '../words/index.js';
import {
  findMainMeasurement,
  formatAnalysis,
  formatMeasurement,
  formatPlace,
  formatVerdict,
} from './format.js';
import { icon } from './icon.js';
import { look } from './look.js';
import { emit } from './signal.js';
import { findStanding, type StandingVerdict } from './standing.js';
import { findingStyles } from './finding-styles.js';
import './ov-chip.js';
import './ov-confidence.js';

export type JudgeDetail = FindingRef & {
  readonly kind: 'accept' | 'reject';
  readonly reason: string;
};

/** Why a person may find that a claim is wrong; the audit keeps the words. */
export const REJECT_REASONS = [
  'Calcification',
  'Artefact',
  'Normal anatomy',
  'Old or known',
  'Wrong place',
  'Something else',
] as const;

interface Item {
  readonly view: ResultView;
  readonly finding: Finding;
}

function refOf({ view, finding }: Item): FindingRef {
  return { resultUid: view.result.result_uid, trackingUid: finding.tracking_uid };
}

const SWIPE_PX = 48;

@customElement('ov-findings')
export class OvFindings extends LitElement {
  @property({ attribute: false }) scene!: Scene;
  @property({ attribute: false }) pending: readonly QueuedVerdict[] = [];
  @property() user = '';
  @property({ attribute: false }) mayJudge = false;
  /** The worklist's row: it says how far the analysis is where there is no result. */
  @property({ attribute: false }) row: Pick<Row, 'analysis' | 'instances_received' | 'flag'> | undefined;
  /** `list`: all of them; `one`: the chosen one alone, for a thumb that swipes. */
  @property({ reflect: true }) view: 'list' | 'one' = 'list';
  @property({ attribute: false }) isLoading = false;
  /** Tracking UID whose rejection asks for its reason. */
  @state() private rejecting: string | undefined;
  private swipeFrom: readonly [number, number] | undefined;

  static override styles = [look, findingStyles];

  /** Ask for the reason of rejecting the chosen finding, as the Reject button does. */
  askReason(trackingUid: string): void {
    this.rejecting = trackingUid;
    void this.updateComplete.then(() => {
      this.renderRoot.querySelector<HTMLElement>('.reasons button')?.focus();
    });
  }

  override render(): TemplateResult {
    if (this.isLoading) return this.renderSkeleton();
    const results = this.scene.results;
    if (results.length === 0) return this.renderState();
    const items = results.flatMap((view) => view.result.findings.map((finding) => ({ view, finding })));
    if (this.view === 'one' && items.length > 0) return this.renderOne(items);
    return html`${results.map((view) => this.renderResult(view))}`;
  }

  private renderSkeleton(): TemplateResult {
    return html`<div class="state" aria-busy="true" aria-label="Loading findings">
      <div class="skeleton a"></div><div class="skeleton b"></div><div class="skeleton c"></div>
    </div>`;
  }

  /** No result to show: say why, never "no finding". */
  private renderState(): TemplateResult {
    const words = this.row === undefined ? 'No analysis to show' : formatAnalysis(this.row);
    return html`<p class="state" role="status" aria-label="Analysis">${words}</p>`;
  }

  private renderResult(view: ResultView): TemplateResult {
    const { result } = view;
    return html`<section aria-label=${result.model_title}>
      <h3>${result.model_title} <span class="muted">${result.model.version}</span></h3>
      ${result.findings.length === 0
        ? this.renderNothingFound(result)
        : html`<ul role="tree" aria-label=${`Findings of ${result.model_title}`} @keydown=${this.walk}>
            ${repeat(
              result.findings,
              (finding) => finding.tracking_uid,
              (finding) => this.renderItem({ view, finding }),
            )}
          </ul>`}
    </section>`;
  }

  private renderNothingFound(result: Result): TemplateResult {
    return html`<div class="state">
      <p>Analysed without finding</p>
      <p class="muted small">The model claims nothing in this series. That does not say it is normal.</p>
      <ov-chip .model=${result.model.name} .version=${result.model.version} .confidence=${null}
        .status=${result.model_status}></ov-chip>
    </div>`;
  }

  private renderOne(items: readonly Item[]): TemplateResult {
    const chosen = this.scene.selected?.trackingUid;
    const at = Math.max(0, items.findIndex(({ finding }) => finding.tracking_uid === chosen));
    const item = items[at];
    if (item === undefined) return this.renderState();
    return html`<div class="one" @pointerdown=${this.startSwipe} @pointerup=${(event: PointerEvent) => this.endSwipe(event, items, at)}
      @pointercancel=${() => (this.swipeFrom = undefined)}>
      <ul role="tree" aria-label="Findings" @keydown=${this.walk}>${this.renderItem(item)}</ul>
      ${items.length > 1 && this.rejecting === undefined
        ? html`<nav class="pager" aria-label="Findings">
            <button class="tool" type="button" aria-label="Previous finding" @click=${() => this.turn(items, at - 1)}>‹</button>
            <span class="small muted">${at + 1} of ${items.length}</span>
            <button class="tool" type="button" aria-label="Next finding" @click=${() => this.turn(items, at + 1)}>›</button>
          </nav>`
        : nothing}
    </div>`;
  }

  private renderItem(item: Item): TemplateResult {
    const { view, finding } = item;
    const uid = finding.tracking_uid;
    const isChosen = this.scene.selected?.trackingUid === uid;
    const isFocusable = isChosen || (this.scene.selected === null && view.result.findings[0] === finding);
    return html`<li role="treeitem" class=${finding.is_flagged ? 'item is-flagged' : 'item'} data-tracking-uid=${uid}
      aria-selected=${isChosen ? 'true' : 'false'} tabindex=${isFocusable ? 0 : -1}
      @click=${() => emit(this, 'ov-select', refOf(item))}>
      ${this.renderClaim(item)} ${this.renderVerdicts(item)} ${this.renderActions(item)}
    </li>`;
  }

  private renderClaim({ view, finding }: Item): TemplateResult {
    const { result } = view;
    const isHidden = this.scene.ai.hidden.has(finding.tracking_uid);
    const main = findMainMeasurement(finding.measurements);
    const place = formatPlace(finding.site?.meaning ?? null, finding.laterality?.meaning ?? null);
    const others = finding.measurements.filter((measurement) => measurement !== main);
    return html`<div class="head">
        <span class="label">${finding.label}</span>
        <ov-confidence .value=${finding.confidence} .meaning=${result.score_meaning}></ov-confidence>
        <button class="tool eye" type="button" aria-pressed=${isHidden ? 'false' : 'true'}
          aria-label=${`Show ${finding.label} on the image`} title=${isHidden ? 'Show on the image' : 'Hide on the image'}
          @click=${(event: Event) => this.tell(event, 'ov-toggle-finding', finding.tracking_uid)}>
          ${icon(isHidden ? 'eyeOff' : 'eye', 16)}
        </button>
      </div>
      <p class="facts">${place}${place !== '' && main !== undefined ? ' · ' : ''}${main === undefined
        ? nothing
        : html`<b>${formatMeasurement(main)}</b>`}</p>
      ${others.length === 0 || this.view === 'one'
        ? nothing
        : html`<dl>${others.map((measurement) => html`<dt>${measurement.concept.meaning}</dt><dd>${formatMeasurement(measurement)}</dd>`)}</dl>`}
      <ov-chip .model=${result.model.name} .version=${result.model.version} .confidence=${finding.confidence}
        .status=${result.model_status}></ov-chip>`;
  }

  private renderVerdicts(item: Item): TemplateResult | typeof nothing {
    const standing = findStanding(item.view.verdicts, this.pending, item.finding.tracking_uid);
    if (standing.length === 0) return nothing;
    return html`<ul class="verdicts" aria-label="Verdicts">
      ${standing.map((verdict) => this.renderVerdict(item, verdict))}
    </ul>`;
  }

  private renderVerdict(item: Item, verdict: StandingVerdict): TemplateResult {
    const isOwn = verdict.madeBy === this.user;
    const words = formatVerdict({
      kind: verdict.kind,
      reason: verdict.reason,
      measurements: [...verdict.measurements],
      made_by: isOwn ? 'you' : verdict.madeBy,
    });
    const progress = { saved: '', waiting: 'waiting to be sent', sending: 'sending', refused: `not saved: ${verdict.problem}` };
    return html`<li class=${`verdict is-${verdict.state}`}>
      ${icon(verdict.kind === 'reject' ? 'x' : verdict.kind === 'accept' ? 'check' : 'pencil', 16)}
      <span>${words}${progress[verdict.state] === '' ? nothing : html` <em>(${progress[verdict.state]})</em>`}</span>
      ${verdict.state === 'refused'
        ? html`<button class="tool undo" type="button" @click=${(event: Event) => this.tell(event, 'ov-discard', verdict.verdictId)}>Discard</button>`
        : isOwn && this.mayJudge
          ? html`<button class="tool undo" type="button" aria-label="Undo the verdict"
              @click=${(event: Event) => this.tell(event, 'ov-withdraw', refOf(item))}>${icon('undo', 16)} Undo</button>`
          : nothing}
    </li>`;
  }

  private renderActions(item: Item): TemplateResult | typeof nothing {
    if (!this.mayJudge) return nothing;
    const uid = item.finding.tracking_uid;
    if (this.scene.draft?.trackingUid === uid) return this.renderAdjusting();
    if (this.rejecting === uid) return this.renderReasons(item);
    const canAdjust = item.finding.regions.some((region) => region.kind === 'box' || region.kind === 'contour');
    return html`<div class="actions" role="group" aria-label="Your verdict">
      <button class="button" type="button" @click=${(event: Event) => { event.stopPropagation(); this.askReason(uid); }}>
        ${icon('x', 16)} Reject
      </button>
      ${canAdjust
        ? html`<button class="button" type="button" @click=${(event: Event) => this.tell(event, 'ov-adjust', refOf(item))}>
            ${icon('pencil', 16)} Adjust
          </button>`
        : nothing}
      <button class="button" type="button" @click=${(event: Event) => this.judge(event, item, 'accept', '')}>
        ${icon('check', 16)} Accept
      </button>
    </div>`;
  }

  private renderAdjusting(): TemplateResult {
    return html`<div class="adjusting">
      <p>Drag the yellow outline on the image. The claim of the AI stays as it is.</p>
      <div class="actions">
        <button class="button" type="button" @click=${(event: Event) => this.tell(event, 'ov-drop-adjust')}>Leave</button>
        <button class="button person" type="button" @click=${(event: Event) => this.tell(event, 'ov-save-adjust')}>
          ${icon('check', 16)} Save
        </button>
      </div>
    </div>`;
  }

  private renderReasons(item: Item): TemplateResult {
    return html`<div class="reasons" role="group" aria-label="Why it is rejected" @click=${(event: Event) => event.stopPropagation()}
      @keydown=${this.leaveReasons}>
      <p class="why">
        <span class="small muted">Why is it wrong?</span>
        <button class="tool" type="button" @click=${() => (this.rejecting = undefined)}>Cancel</button>
      </p>
      ${REJECT_REASONS.map(
        (reason) => html`<button class="button" type="button" @click=${(event: Event) => this.judge(event, item, 'reject', reason)}>${reason}</button>`,
      )}
    </div>`;
  }

  private judge(event: Event, item: Item, kind: JudgeDetail['kind'], reason: string): void {
    this.rejecting = undefined;
    this.tell(event, 'ov-judge', { ...refOf(item), kind, reason });
  }

  private tell(event: Event, name: `ov-${string}`, detail?: unknown): void {
    event.stopPropagation();
    emit(this, name, detail);
  }

  private readonly leaveReasons = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === 'Escape') this.rejecting = undefined;
  };

  /** Arrows walk the list, Enter or Space goes to the finding, as in any tree. */
  private readonly walk = (event: KeyboardEvent): void => {
    const item = event.composedPath()[0];
    if (!(item instanceof HTMLElement) || item.getAttribute('role') !== 'treeitem') return;
    const all = [...this.renderRoot.querySelectorAll<HTMLElement>('[role="treeitem"]')];
    const steps: Record<string, HTMLElement | undefined> = {
      ArrowDown: all[all.indexOf(item) + 1],
      ArrowUp: all[all.indexOf(item) - 1],
      Home: all[0],
      End: all.at(-1),
    };
    if (event.key in steps) steps[event.key]?.focus();
    else if (event.key === ' ') item.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  private turn(items: readonly Item[], to: number): void {
    const item = items[(to + items.length) % items.length];
    if (item !== undefined) emit(this, 'ov-select', refOf(item));
  }

  private readonly startSwipe = (event: PointerEvent): void => {
    this.swipeFrom = [event.clientX, event.clientY];
  };

  private endSwipe(event: PointerEvent, items: readonly Item[], at: number): void {
    const from = this.swipeFrom;
    this.swipeFrom = undefined;
    if (from === undefined) return;
    const [x, y] = [event.clientX - from[0], event.clientY - from[1]];
    if (Math.abs(x) < SWIPE_PX || Math.abs(x) < 2 * Math.abs(y)) return;
    this.turn(items, x < 0 ? at + 1 : at - 1);
  }
}
