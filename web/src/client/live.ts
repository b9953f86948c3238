import type { LiveEvent, Subscription } from '../words/index.js';
import type { LiveEvents, LiveState } from './contract.js';

/** The part of the browser's EventSource that is used; a test gives its own. */
export interface EventStream {
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<string>) => void) | null;
  addEventListener(kind: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export type OpenEventSource = (url: string) => EventStream;

/** The kinds that the service names in its `event:` lines (vocabulary/event.py). */
export const EVENT_KINDS = [
  'StudyReceiving',
  'StudyArrived',
  'AnalysisStarted',
  'AnalysisProgressed',
  'AnalysisNotSuitable',
  'AnalysisFailed',
  'AnalysisEnded',
  'ResultReleased',
  'VerdictGiven',
  'InstanceQuarantined',
] as const;

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** After so many failures in a row the word is "offline". */
const OFFLINE_AFTER_FAILURES = 3;

/**
 * The stream of events, opened again by itself after the last event seen: nothing is skipped and
 * nothing comes twice, whatever the browser's own EventSource does between.
 */
export function createLiveEvents(
  open: OpenEventSource,
  network: Pick<EventTarget, 'addEventListener'>,
): LiveEvents {
  let state: LiveState = 'stopped';
  let last = 0;
  let stream: EventStream | undefined;
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const onEvent = new Set<(event: LiveEvent) => void>();
  const onState = new Set<(state: LiveState) => void>();

  function become(next: LiveState): void {
    if (next === state) return;
    state = next;
    for (const listener of [...onState]) listener(next);
  }

  function take(message: MessageEvent<string>): void {
    const event = JSON.parse(message.data) as LiveEvent;
    if (event.event_id <= last) return;
    last = event.event_id;
    for (const listener of [...onEvent]) listener(event);
  }

  function close(): void {
    clearTimeout(retry);
    retry = undefined;
    stream?.close();
    stream = undefined;
  }

  function connect(): void {
    close();
    const opened = open(`/api/v1/events?last_event_id=${last}`);
    stream = opened;
    opened.onopen = () => {
      failures = 0;
      become('live');
    };
    opened.onmessage = take;
    for (const kind of EVENT_KINDS) opened.addEventListener(kind, take);
    opened.onerror = () => {
      if (stream !== opened) return;
      failures += 1;
      close();
      become(failures >= OFFLINE_AFTER_FAILURES ? 'offline' : 'reconnecting');
      retry = setTimeout(connect, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)));
    };
  }

  // A phone that wakes, or finds its network again, does not wait for the timer.
  network.addEventListener('online', () => {
    if (state === 'reconnecting' || state === 'offline') connect();
  });
  network.addEventListener('offline', () => {
    if (state !== 'stopped') become('offline');
  });

  function subscribe<Listener>(to: Set<Listener>, listener: Listener): Subscription {
    to.add(listener);
    return { dispose: () => void to.delete(listener) };
  }

  return {
    get state() {
      return state;
    },
    get lastEventId() {
      return last;
    },
    start(lastEventId) {
      last = Math.max(last, lastEventId);
      failures = 0;
      become('reconnecting');
      connect();
    },
    stop() {
      close();
      last = 0;
      become('stopped');
    },
    onEvent: (listener) => subscribe(onEvent, listener),
    onState: (listener) => subscribe(onState, listener),
  };
}
