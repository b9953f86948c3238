/** The reading page: the image first, the AI a guest beside it. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import type { Client, LiveState } from '../client/index.js';
import { formatAgeSex, formatName, formatShortWarning, formatStudyTitle } from '../panels/format.js';
import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import type { JudgeDetail, OvFindings } from '../panels/ov-findings.js';
import { emit } from '../panels/signal.js';
import {
  currentImage,
  findingsOf,
  setOpacity,
  startDraft,
  dropDraft,
  selectFinding,
  type Action,
  type FindingRef,
} from '../scene/index.js';
import type { Row, SeriesView, Session, StudyView, Subscription } from '../words/index.js';
import { BareHold } from './bare-hold.js';
import { findMeant, listKeyed, type CommandName } from './commands.js';
import { connection, formatConnection } from './connection.js';
import type { WorklistFeed } from './feed.js';
import type { Preferences } from './preferences.js';
import { ReadingSession, type ReadingState } from './reading-session.js';
import { readingStyles } from './reading-styles.js';
import { renderCine, renderLayouts, renderPresets, renderTools, renderView, type ToolHandlers } from './tool-list.js';
import type { SheetHeight } from './ov-sheet.js';
import '../panels/ov-chip.js';
import '../panels/ov-findings.js';
import '../panels/ov-notices.js';
import '../panels/ov-shortcuts.js';
import './ov-series-strip.js';
import './ov-sheet.js';

const PHONE = '(max-width: 719px)';

@customElement('ov-reading')
export class OvReading extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) session!: Session;
  @property({ attribute: false }) feed: WorklistFeed | undefined;
  @property() study = '';
  @property({ attribute: false }) live: LiveState = 'stopped';
  @property({ attribute: false }) preferences!: Preferences;

  @state() private reading: ReadingState | undefined;
  @state() private row: Row | undefined;
  @state() private isPhone = window.matchMedia(PHONE).matches;
  @state() private isStripOpen: boolean | undefined;
  @state() private isMenuOpen = false;
  @state() private areKeysShown = false;
  @state() private sheet: SheetHeight = 'list';
  @query('#viewer') private stage!: HTMLElement;
  @query('ov-findings') private findings!: OvFindings | null;
  @query('.menu') private menu!: HTMLDialogElement | null;

  private open: ReadingSession | undefined;
  private hold: BareHold | undefined;
  private feedSubscription: Subscription | undefined;
  /** Whether the focus was moved by the keyboard. */
  private isTabbing = true;
  private readonly phoneQuery = window.matchMedia(PHONE);

  static override styles = [look, connection.styles, readingStyles];

  override connectedCallback(): void {
    super.connectedCallback();
    this.phoneQuery.addEventListener('change', this.resize);
    window.addEventListener('keydown', this.pressKey);
    window.addEventListener('keyup', this.releaseKey);
    window.addEventListener('blur', this.letGo);
    window.addEventListener('pointerdown', this.noticePointer, { capture: true });
    this.takeRow();
    this.feedSubscription = this.feed?.on(() => this.takeRow());
  }

  override disconnectedCallback(): void {
    this.phoneQuery.removeEventListener('change', this.resize);
    window.removeEventListener('keydown', this.pressKey);
    window.removeEventListener('keyup', this.releaseKey);
    window.removeEventListener('blur', this.letGo);
    window.removeEventListener('pointerdown', this.noticePointer, { capture: true });
    this.feedSubscription?.dispose();
    this.open?.dispose();
    this.open = undefined;
    super.disconnectedCallback();
  }

  protected override updated(changed: PropertyValues<this>): void {
    // The element that the viewer draws into is there from here on.
    if (changed.has('study')) queueMicrotask(() => this.start());
    if (this.isMenuOpen && this.menu?.open === false) this.menu.showModal();
  }

  private start(): void {
    this.open?.dispose();
    this.stage.replaceChildren();
    const open = new ReadingSession(this.stage, this.client, this.study, (reading) => {
      if (this.open === open) this.reading = reading;
    });
    this.open = open;
    this.hold = new BareHold(open.store);
    this.reading = open.get();
    this.isStripOpen = undefined;
    this.sheet = 'list';
    this.takeRow();
    void open.open();
  }

  private takeRow(): void {
    this.row = this.feed?.get().rows.find((row) => row.study_instance_uid === this.study);
  }

  // ── drawing ────────────────────────────────────────────────────────────────────────────────

  override render(): TemplateResult {
    const failure = this.reading?.failure ?? '';
    return html`<div class=${this.isPhone ? `page phone is-${this.sheet}` : 'page'}
      @ov-select=${(event: CustomEvent<FindingRef>) => void this.open?.goToFinding(event.detail)}
      @ov-toggle-finding=${(event: CustomEvent<string>) => this.open?.toggle(event.detail)}
      @ov-judge=${(event: CustomEvent<JudgeDetail>) => this.open?.judge(event.detail, event.detail.kind, event.detail.reason)}
      @ov-withdraw=${(event: CustomEvent<FindingRef>) => this.open?.judge(event.detail, 'withdraw', '')}
      @ov-discard=${(event: CustomEvent<string>) => this.client.verdicts.discard(event.detail)}
      @ov-adjust=${(event: CustomEvent<FindingRef>) => this.adjust(event.detail)}
      @ov-drop-adjust=${() => this.open?.perform(dropDraft)}
      @ov-save-adjust=${() => this.open?.saveDraft()}
      @ov-open-series=${(event: CustomEvent<SeriesView>) => void this.open?.openSeries(event.detail)}
      @ov-sheet=${(event: CustomEvent<SheetHeight>) => (this.sheet = event.detail)}
      @ov-close-shortcuts=${() => (this.areKeysShown = false)}
    >
      ${this.isPhone ? this.renderPhoneBar() : this.renderToolbar()}
      ${this.isPhone ? nothing : this.renderStrip()}
      <main class="stage">
        <div id="viewer" class="viewer" aria-label="Image"></div>
        ${failure === '' ? nothing : this.renderFailure(failure)}
        ${this.renderProblem()}
      </main>
      ${this.isPhone ? this.renderSheet() : this.renderPanel()}
      ${this.isPhone ? nothing : this.renderFoot()}
      ${this.isMenuOpen ? this.renderMenu() : nothing}
      ${this.areKeysShown
        ? html`<ov-shortcuts .actions=${listKeyed()} .changed=${this.preferences.keys}
            .areKeysOn=${this.preferences.areKeysOn}></ov-shortcuts>`
        : nothing}
    </div>`;
  }

  private get handlers(): ToolHandlers {
    return { perform: (action) => this.perform(action) };
  }

  private get series(): SeriesView | undefined {
    const open = this.reading?.scene.series?.seriesInstanceUid;
    return this.reading?.study?.series.find((one) => one.series_instance_uid === open);
  }

  private renderTitle(study: StudyView | undefined): TemplateResult {
    if (study === undefined) return html`<span class="title"><span class="skeleton line"></span></span>`;
    const modality = this.row?.modality ?? study.series.find((one) => one.is_displayable)?.modality ?? '';
    const who = [formatName(study.patient.name), study.patient.patient_id].filter((part) => part !== '').join(' · ');
    const person = formatAgeSex(study.patient.age, study.patient.sex);
    return html`<span class="title">
      <b><span class="what">${formatStudyTitle(modality, study.description, '')}</span>${person === ''
        ? nothing
        : html`<span class="person">&nbsp;· ${person}</span>`}</b>
      ${this.isPhone ? this.renderPhoneConnection() : html`<span class="who">${this.preferences.isIdentityHidden ? 'Identity hidden' : who}</span>`}
    </span>`;
  }

  /** A phone's bar says it only where something is not as it should be. */
  private renderPhoneConnection(): TemplateResult | typeof nothing {
    const waiting = this.reading?.pending.length ?? 0;
    return this.live === 'live' && waiting === 0 ? nothing : connection.render(this.live, waiting);
  }

  private renderToolbar(): TemplateResult {
    const reading = this.reading;
    const scene = reading?.scene;
    const { isIdentityHidden } = this.preferences;
    return html`<header class="bar">
      <h1 class="unseen">Reading</h1>
      <a class="tool" href="/" title="To the worklist">${icon('arrowLeft')}<span class="unseen">Worklist</span></a>
      ${this.renderTitle(reading?.study)}
      ${scene === undefined || scene.series === null
        ? nothing
        : html`${renderTools(scene, 'icons', this.handlers)} ${renderPresets(scene, this.handlers)}
            ${renderView(scene, 'icons', this.handlers)}
            ${renderLayouts(scene, this.series?.spacing.is_volume === true, 'icons', this.handlers)}
            ${renderCine(scene, 'icons', this.handlers)} ${this.renderUndo()}`}
      <span class="space"></span>
      ${this.renderAi()}
      <button class="tool" type="button" aria-pressed=${isIdentityHidden ? 'true' : 'false'} title="Hide names and numbers of patients"
        aria-label="Hide identity" @click=${() => emit(this, 'ov-toggle-identity')}>${icon(isIdentityHidden ? 'eyeOff' : 'shield')}</button>
      <button class="tool" type="button" title="Keys (?)" aria-label="Keys" @click=${() => (this.areKeysShown = true)}>${icon('keyboard')}</button>
    </header>`;
  }

  private renderUndo(): TemplateResult {
    const store = this.open?.store;
    return html`<div class="group">
      ${store?.canUndo === true
        ? html`<button class="tool" type="button" title="Undo (U)" aria-label="Undo" @click=${() => store.undo()}>${icon('undo')}</button>`
        : nothing}
      ${store?.canRedo === true
        ? html`<button class="tool" type="button" title="Redo (Y)" aria-label="Redo" @click=${() => store.redo()}>${icon('redo')}</button>`
        : nothing}
    </div>`;
  }

  /** There only where there is something of the AI to switch. */
  private renderAi(): TemplateResult | typeof nothing {
    const scene = this.reading?.scene;
    if (scene === undefined || findingsOf(scene).length === 0) return nothing;
    const percent = Math.round(scene.ai.opacity * 100);
    return html`<div class="ai" role="group" aria-label="AI layer">
      <button class="tool ai-switch" type="button" aria-pressed=${scene.ai.isOn ? 'true' : 'false'}
        aria-label="AI on the image" title="AI on or off; hold for the bare image (A)"
        @pointerdown=${(event: PointerEvent) => this.hold?.press(event.timeStamp)}
        @pointerup=${(event: PointerEvent) => this.hold?.release(event.timeStamp)}
        @pointerleave=${() => this.hold?.cancel()} @pointercancel=${() => this.hold?.cancel()}
        @contextmenu=${(event: Event) => event.preventDefault()} @click=${this.clickAi}>
        <span class="ai-dot" aria-hidden="true"></span>AI
      </button>
      ${this.isPhone
        ? nothing
        : html`<input type="range" min="0" max="100" step="5" aria-label="Opacity of the AI layer" title=${`Opacity ${percent} %`}
            .value=${String(percent)} @input=${(event: Event) => this.perform(setOpacity(Number((event.target as HTMLInputElement).value) / 100))} />
            <span class="percent small muted">${percent} %</span>`}
    </div>`;
  }

  private renderPhoneBar(): TemplateResult {
    return html`<header class="bar">
      <h1 class="unseen">Reading</h1>
      <a class="tool" href="/" aria-label="Worklist">${icon('arrowLeft')}</a>
      ${this.renderTitle(this.reading?.study)}
      <span class="space"></span>
      ${this.renderAi()}
      <button class="tool" type="button" aria-label="Tools" aria-haspopup="dialog" @click=${() => (this.isMenuOpen = true)}>${icon('ellipsis')}</button>
    </header>`;
  }

  private get displayable(): readonly SeriesView[] {
    return (this.reading?.study?.series ?? []).filter((one) => one.is_displayable);
  }

  private renderStrip(): TemplateResult {
    const isOpen = this.isStripOpen ?? this.displayable.length > 1;
    return html`<aside class=${isOpen ? 'strip' : 'strip is-closed'} aria-label="Series">
      <button class="tool fold" type="button" aria-expanded=${isOpen ? 'true' : 'false'} aria-label="Series" title="Show or hide the series"
        @click=${() => (this.isStripOpen = !isOpen)}>${icon('panelLeft', 16)}</button>
      ${isOpen
        ? html`<ov-series-strip .series=${this.displayable} .open=${this.reading?.scene.series?.seriesInstanceUid ?? ''}></ov-series-strip>`
        : nothing}
    </aside>`;
  }

  private renderFindings(view: 'list' | 'one'): TemplateResult {
    const { reading } = this;
    return html`<ov-findings .view=${view} .scene=${reading?.scene} .pending=${reading?.pending ?? []}
      .user=${this.session.user} .mayJudge=${this.mayJudge} .row=${this.row}
      .isLoading=${reading?.study === undefined && reading?.failure === ''}></ov-findings>`;
  }

  private renderNotes(part: 'banner' | 'notes'): TemplateResult | typeof nothing {
    const reading = this.reading;
    if (reading?.study === undefined) return nothing;
    const study = { ...reading.study, results: [...reading.scene.results] };
    return html`<ov-notices .show=${part} .study=${study} .series=${this.series} .image=${currentImage(reading.scene)}></ov-notices>`;
  }

  private renderPanel(): TemplateResult {
    const reading = this.reading;
    const count = reading === undefined ? 0 : findingsOf(reading.scene).length;
    return html`<aside class="panel" aria-label="Findings">
      <h2>Findings ${count > 0 ? html`<span class="muted">${count}</span>` : nothing}</h2>
      ${this.renderNotes('banner')}
      <div class="scroll">${reading === undefined ? nothing : this.renderFindings('list')} ${this.renderNotes('notes')}</div>
    </aside>`;
  }

  private renderSheet(): TemplateResult {
    const reading = this.reading;
    const warnings = (reading?.scene.results ?? []).map(({ result }) => formatShortWarning(result.model_status));
    if (reading?.study?.is_synthetic === true) warnings.push('synthetic study');
    const banner = [...new Set(warnings)].filter((words) => words !== '').join(' · ');
    return html`<ov-sheet .height=${this.sheet} .banner=${banner}>
      ${this.sheet === 'chip' ? this.renderChipLine() : reading === undefined ? nothing : this.renderFindings(this.sheet === 'full' ? 'list' : 'one')}
      ${this.sheet === 'full'
        ? html`${this.renderNotes('notes')}
            <p class="foot-words">${this.renderModels()}${formatConnection(this.live, reading?.pending.length ?? 0)} · this view is logged</p>`
        : nothing}
    </ov-sheet>`;
  }

  private renderChipLine(): TemplateResult {
    const scene = this.reading?.scene;
    const all = scene === undefined ? [] : findingsOf(scene);
    const placed = all.find(({ finding }) => finding.tracking_uid === scene?.selected?.trackingUid) ?? all[0];
    if (placed === undefined) return this.reading === undefined ? html`` : this.renderFindings('one');
    const { result, finding } = placed;
    return html`<div class="chip-line">
      <b>${finding.label}</b>
      <ov-chip .model=${result.model.name} .version=${result.model.version} .confidence=${finding.confidence}
        .status=${result.model_status}></ov-chip>
    </div>`;
  }

  private renderModels(): string {
    const results = this.reading?.scene.results ?? [];
    const models = results.map(({ result, phase, phase_note }) =>
      [`${result.model.name} ${result.model.version}`, phase, phase_note].filter((part) => part !== '').join(' · '),
    );
    return [...new Set(models), ''].join(' · ');
  }

  private renderFoot(): TemplateResult {
    const { loaded, count } = this.reading ?? { loaded: 0, count: 0 };
    return html`<footer>
      <span class="words">${this.renderModels()}${connection.render(this.live, this.reading?.pending.length ?? 0)} · this view is logged</span>
      <span class="space"></span>
      ${count > 0 && loaded < count ? html`<span class="partial">${loaded} of ${count} images loaded</span>` : nothing}
    </footer>`;
  }

  private renderFailure(failure: string): TemplateResult {
    return html`<div class="failure" role="alert">
      <p>${failure}</p>
      <a class="button" href="/">To the worklist</a>
      <button class="button" type="button" @click=${() => this.start()}>Try again</button>
    </div>`;
  }

  private renderProblem(): TemplateResult | typeof nothing {
    const problem = this.reading?.problem ?? '';
    if (problem === '') return nothing;
    return html`<p class="problem" role="status">${icon('circleAlert', 16)}<span>${problem}</span></p>`;
  }

  /** Phone: everything that is not for the thumb's first reach. */
  private renderMenu(): TemplateResult {
    const scene = this.reading?.scene;
    const close = (): void => this.menu?.close();
    const handlers: ToolHandlers = {
      perform: (action) => {
        this.perform(action);
        close();
      },
    };
    return html`<dialog class="menu" aria-label="Tools" @close=${() => (this.isMenuOpen = false)}
      @click=${(event: Event) => (event.target === this.menu ? close() : undefined)}>
      <div class="menu-body">
        ${scene === undefined || scene.series === null
          ? nothing
          : html`${renderPresets(scene, handlers)} ${renderTools(scene, 'words', handlers)} ${renderView(scene, 'words', handlers)}
              ${renderLayouts(scene, this.series?.spacing.is_volume === true, 'words', handlers)} ${renderCine(scene, 'words', handlers)}`}
        ${this.displayable.length > 1
          ? html`<ov-series-strip class="across" .series=${this.displayable} .open=${scene?.series?.seriesInstanceUid ?? ''}
              @ov-open-series=${close}></ov-series-strip>`
          : nothing}
        <button class="button" type="button" @click=${close}>Close</button>
      </div>
    </dialog>`;
  }

  // ── doing ──────────────────────────────────────────────────────────────────────────────────

  private get mayJudge(): boolean {
    return this.session.permissions.includes('give verdict');
  }

  private perform(action: Action): void {
    if (action.name === 'layout-stack' || action.name === 'layout-mpr') {
      void this.open?.setLayout(action.name === 'layout-mpr' ? 'mpr' : 'stack');
    } else {
      this.open?.perform(action);
    }
  }

  private adjust(ref: FindingRef): void {
    void this.open?.goToFinding(ref).then(() => {
      this.open?.perform(selectFinding(ref));
      this.open?.perform(startDraft);
    });
  }

  private command(name: CommandName): void {
    const open = this.open;
    const selected = open?.store.get().selected;
    if (name === 'show-keys') this.areKeysShown = true;
    else if (name === 'undo') open?.store.undo();
    else if (name === 'redo') open?.store.redo();
    else if (name === 'save-adjustment') open?.saveDraft();
    else if (selected === null || selected === undefined) return;
    else if (name === 'accept') open?.judge(selected, 'accept', '');
    else this.findings?.askReason(selected.trackingUid);
  }

  private readonly clickAi = (event: MouseEvent): void => {
    // A pointer has already done it; this is the keyboard's or a screen reader's click.
    if (event.detail !== 0) return;
    this.hold?.press(event.timeStamp);
    this.hold?.release(event.timeStamp);
  };

  private readonly pressKey = (event: KeyboardEvent): void => {
    if (event.key === 'Tab') this.isTabbing = true;
    const reading = this.reading;
    if (reading === undefined || this.isElsewhere(event)) return;
    const meant = findMeant(reading.scene, event.key, this.mayJudge, this.preferences.keys);
    if (meant === undefined) return;
    event.preventDefault();
    if (meant.kind === 'command') {
      if (!event.repeat) this.command(meant.command.name);
    } else if (meant.action.name === 'toggle-ai') {
      if (!event.repeat) this.hold?.press(event.timeStamp);
    } else {
      this.perform(meant.action);
    }
  };

  /** Keys that belong to a field, a button or a dialog, or to the browser. */
  private isElsewhere(event: KeyboardEvent): boolean {
    if (!this.preferences.areKeysOn && event.key !== '?') return true;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
    if (this.areKeysShown || this.isMenuOpen) return true;
    const target = event.composedPath()[0];
    if (!(target instanceof HTMLElement)) return false;
    if (target.matches('input, select, textarea')) return true;
    // A button that the mouse left in focus is not what Enter is meant for; one that Tab reached is.
    const isPressed = event.key === 'Enter' || event.key === ' ';
    return isPressed && this.isTabbing && target.matches('button, a, summary');
  }

  private readonly noticePointer = (): void => {
    this.isTabbing = false;
  };

  private readonly releaseKey = (event: KeyboardEvent): void => {
    const key = this.preferences.keys['toggle-ai'] ?? 'A';
    if (event.key.toUpperCase() === key.toUpperCase()) this.hold?.release(event.timeStamp);
  };

  private readonly letGo = (): void => this.hold?.cancel();

  private readonly resize = (): void => {
    this.isPhone = this.phoneQuery.matches;
  };
}
