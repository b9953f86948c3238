/** The worklist as it stands now: loaded once, then kept by the stream of events. */
import { ProblemError, type Client, type LiveState } from '../client/index.js';
import type { LiveEvent, Row, Subscription } from '../words/index.js';
import { announce, applyEvent, compareRows } from './rows.js';

export interface FeedState {
  readonly rows: readonly Row[];
  readonly quarantined: number;
  readonly isLoaded: boolean;
  /** "" or why the list can't be shown, and what to do. */
  readonly problem: string;
  readonly live: LiveState;
  /** For the screen reader: the newest change worth hearing. */
  readonly announcement: string;
}

const EMPTY: FeedState = {
  rows: [],
  quarantined: 0,
  isLoaded: false,
  problem: '',
  live: 'stopped',
  announcement: '',
};

const RETRY_MS = 5_000;
/** Counts that an event does not carry are asked for once per burst. */
const COUNT_DELAY_MS = 300;

export class WorklistFeed {
  private state: FeedState = EMPTY;
  private readonly listeners = new Set<(state: FeedState) => void>();
  private readonly subscriptions: Subscription[];
  private retry: ReturnType<typeof setTimeout> | undefined;
  private countTimer: ReturnType<typeof setTimeout> | undefined;
  private loading: AbortController | undefined;

  constructor(private readonly client: Client) {
    this.subscriptions = [
      client.live.onEvent((event) => this.take(event)),
      client.live.onState((live) => this.become({ live })),
    ];
  }

  get(): FeedState {
    return this.state;
  }

  on(listener: (state: FeedState) => void): Subscription {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  /** Load the list and follow it from there; keeps trying where the service is away. */
  async load(): Promise<void> {
    clearTimeout(this.retry);
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    try {
      const list = await this.client.worklist(loading.signal);
      this.become({ rows: list.rows, quarantined: list.quarantined, isLoaded: true, problem: '' });
      if (this.client.live.state === 'stopped') this.client.live.start(list.last_event_id);
    } catch (error) {
      if (loading.signal.aborted) return;
      if (error instanceof ProblemError && error.status === 401) return;
      if (!(error instanceof Error)) throw error;
      this.become({ problem: `The worklist can’t be loaded: ${error.message}` });
      this.retry = setTimeout(() => void this.load(), RETRY_MS);
    }
  }

  /** Order again: waiting lifts studies. */
  age(nowMs: number): void {
    const rows = [...this.state.rows].sort((one, other) => compareRows(one, other, nowMs));
    if (rows.some((row, index) => row !== this.state.rows[index])) this.become({ rows });
  }

  dispose(): void {
    clearTimeout(this.retry);
    clearTimeout(this.countTimer);
    this.loading?.abort();
    for (const subscription of this.subscriptions) subscription.dispose();
    this.listeners.clear();
  }

  private take(event: LiveEvent): void {
    const announcement = announce(this.state.rows, event);
    this.become({
      rows: applyEvent(this.state.rows, event, Date.now()),
      ...(announcement === '' ? {} : { announcement }),
    });
    if (event.kind !== 'InstanceQuarantined') return;
    clearTimeout(this.countTimer);
    this.countTimer = setTimeout(() => void this.load(), COUNT_DELAY_MS);
  }

  private become(change: Partial<FeedState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener(this.state);
  }
}
