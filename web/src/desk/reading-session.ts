/**
 * One open study: its scene, its viewer, its results as they come. No markup; the page draws what
 * `get` returns.
 */
import { ProblemError, type Client, type QueuedVerdict } from '../client/index.js';
import {
  createSceneStore,
  dropDraft,
  findingsOf,
  selectFinding,
  setResults,
  toggleFinding,
  type Action,
  type FindingRef,
  type Layout,
  type Scene,
  type SceneStore,
} from '../scene/index.js';
import { connectOwnDesk, type OwnDesk } from '../hosts/own-desk.js';
import type { ViewerHandle } from '../viewer/index.js';
import type { ImageRef, SeriesView, StudyView, Subscription, Verdict, VerdictKind } from '../words/index.js';

export interface ReadingState {
  readonly study: StudyView | undefined;
  readonly scene: Scene;
  readonly pending: readonly QueuedVerdict[];
  /** Why the study can't be shown, and what to do; "" where it can. */
  readonly failure: string;
  /** What went wrong just now, while the study stays open. */
  readonly problem: string;
  readonly loaded: number;
  readonly count: number;
}

export class ReadingSession {
  readonly store: SceneStore = createSceneStore();
  private readonly host: OwnDesk;
  private readonly viewer: ViewerHandle;
  private readonly subscriptions: Subscription[];
  private readonly closing = new AbortController();
  private state: ReadingState;

  constructor(
    element: HTMLElement,
    private readonly client: Client,
    private readonly studyUid: string,
    private readonly changed: (state: ReadingState) => void,
  ) {
    this.host = connectOwnDesk(element, client, this.store);
    this.viewer = this.host.viewer;
    this.state = {
      study: undefined,
      scene: this.store.get(),
      pending: client.verdicts.pending(),
      failure: '',
      problem: '',
      loaded: 0,
      count: 0,
    };
    this.subscriptions = [
      this.store.on((scene) => this.become({ scene })),
      this.viewer.on('pixels-loaded', ({ loaded, count }) => this.become({ loaded, count })),
      this.viewer.on('layout-refused', ({ reason }) => this.become({ problem: reason })),
      this.viewer.on('finding-picked', (finding) => void this.goToFinding(finding)),
      client.verdicts.onChange((pending) => this.become({ pending })),
      client.verdicts.onSent((verdict) => this.takeVerdict(verdict)),
      client.live.onEvent((event) => {
        if (event.study_instance_uid !== studyUid) return;
        if (event.kind === 'ResultReleased' || event.kind === 'VerdictGiven') void this.refresh();
      }),
    ];
  }

  get(): ReadingState {
    return this.state;
  }

  async open(): Promise<void> {
    try {
      const study = await this.client.study(this.studyUid, this.closing.signal);
      this.become({ study, failure: '' });
      if (study.series.every((one) => !one.is_displayable)) {
        this.become({ failure: 'This study holds no image that can be shown.' });
        return;
      }
      await this.viewer.openStudy(study);
      this.chooseFirst();
    } catch (error) {
      this.fail(error);
    }
  }

  async openSeries(series: SeriesView, at?: ImageRef): Promise<void> {
    try {
      this.become({ problem: '', loaded: 0, count: series.image_count });
      await this.viewer.openSeries(series.series_instance_uid, at);
    } catch (error) {
      this.report(error);
    }
  }

  perform(action: Action): void {
    this.store.perform(action);
    if (action.name !== 'next-finding' && action.name !== 'previous-finding') return;
    const { selected } = this.store.get();
    if (selected !== null) void this.goToFinding(selected);
  }

  async setLayout(layout: Layout): Promise<void> {
    try {
      await this.viewer.setLayout(layout);
    } catch (error) {
      this.report(error);
    }
  }

  /** Choose it, open its series where another is open, and bring it to the middle. */
  async goToFinding(ref: FindingRef): Promise<void> {
    try {
      this.store.perform(selectFinding(ref));
      await this.viewer.centreOn(ref);
    } catch (error) {
      this.report(error);
    }
  }

  toggle(trackingUid: string): void {
    this.store.perform(toggleFinding(trackingUid));
  }

  judge(ref: FindingRef, kind: VerdictKind, reason: string): void {
    this.client.verdicts.give({
      result_uid: ref.resultUid,
      tracking_uid: ref.trackingUid,
      kind,
      reason,
      regions: [],
    });
  }

  /** The person's outline becomes their verdict; what the AI claimed stays as it was. */
  saveDraft(): void {
    const { draft } = this.store.get();
    if (draft === null) return;
    this.client.verdicts.give({
      result_uid: draft.resultUid,
      tracking_uid: draft.trackingUid,
      kind: 'adjust',
      reason: '',
      regions: draft.regions,
    });
    this.store.perform(dropDraft);
  }

  dispose(): void {
    this.closing.abort();
    for (const subscription of this.subscriptions) subscription.dispose();
    this.host.close();
  }

  private chooseFirst(): void {
    const { selected } = this.store.get();
    const open = this.store.get().series?.seriesInstanceUid;
    const first = findingsOf(this.store.get()).find(({ result }) => result.series_instance_uid === open);
    if (selected !== null || first === undefined) return;
    const { result, finding } = first;
    this.store.perform(selectFinding({ resultUid: result.result_uid, trackingUid: finding.tracking_uid }));
  }

  /** A saved verdict is shown at once, without asking for the results again. */
  private takeVerdict(verdict: Verdict): void {
    const results = this.store.get().results.map((view) =>
      view.result.result_uid === verdict.result_uid &&
      view.verdicts.every((one) => one.verdict_id !== verdict.verdict_id)
        ? { ...view, verdicts: [...view.verdicts, verdict] }
        : view,
    );
    this.store.perform(setResults(results));
  }

  /** Nothing is chosen here: choosing would move a reader who is already looking. */
  private async refresh(): Promise<void> {
    try {
      const results = await this.client.results(this.studyUid, this.closing.signal);
      this.store.perform(setResults(results));
      if (this.state.study !== undefined) this.become({ study: { ...this.state.study, results } });
    } catch (error) {
      this.report(error);
    }
  }

  private fail(error: unknown): void {
    if (!(error instanceof Error)) throw error;
    if (this.closing.signal.aborted) return;
    if (error instanceof ProblemError && error.status === 404) {
      this.become({ failure: 'No such study, or it is not yours to see.' });
    } else {
      this.become({ failure: `The study can’t be opened: ${error.message}` });
    }
  }

  private report(error: unknown): void {
    if (!(error instanceof Error)) throw error;
    if (this.closing.signal.aborted) return;
    this.become({ problem: error.message });
  }

  private become(change: Partial<ReadingState>): void {
    this.state = { ...this.state, ...change };
    this.changed(this.state);
  }
}
