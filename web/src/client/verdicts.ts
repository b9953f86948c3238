import type { Verdict } from '../words/index.js';
import type { QueuedVerdict, VerdictDraft, VerdictQueue } from './contract.js';
import { OfflineError, ProblemError, postJson, type Transport } from './transport.js';

/** The part of the browser's Storage that is used. */
export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

interface QueueOptions {
  readonly transport: Transport;
  readonly user: () => string | undefined;
  readonly store: KeyValueStore;
  readonly makeUuid: () => string;
}

const KEY = 'overread.verdicts';
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Verdicts that have not reached the service. Each carries the client's own UUID, so that one sent
 * twice is one verdict; they go in the order in which they were given.
 */
export function createVerdictQueue(options: QueueOptions): VerdictQueue {
  let queue: readonly QueuedVerdict[] = read(options.store);
  let flushing: Promise<void> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  const onChange = new Set<(pending: readonly QueuedVerdict[]) => void>();
  const onSent = new Set<(verdict: Verdict) => void>();

  function become(next: readonly QueuedVerdict[]): void {
    queue = next;
    if (next.length === 0) options.store.removeItem(KEY);
    else options.store.setItem(KEY, JSON.stringify(next));
    for (const listener of [...onChange]) listener(queue);
  }

  function mark(verdictId: string, change: Partial<QueuedVerdict>): void {
    become(queue.map((one) => (one.verdict_id === verdictId ? { ...one, ...change } : one)));
  }

  function remove(verdictId: string): void {
    become(queue.filter((one) => one.verdict_id !== verdictId));
  }

  /** True where the next one may be tried. */
  async function sendOne(next: QueuedVerdict): Promise<boolean> {
    const { verdict_id, tracking_uid, kind, reason, regions } = next;
    mark(verdict_id, { state: 'sending' });
    try {
      const verdict = await options.transport.json<Verdict>(
        `/api/v1/results/${encodeURIComponent(next.result_uid)}/verdicts`,
        postJson({ verdict_id, tracking_uid, kind, reason, regions }),
      );
      remove(verdict_id);
      for (const listener of [...onSent]) listener(verdict);
      return true;
    } catch (error) {
      const isPassing =
        error instanceof OfflineError ||
        (error instanceof ProblemError && (error.isPassing || error.status === 401));
      if (isPassing) {
        mark(verdict_id, { state: 'waiting' });
        return false;
      }
      if (!(error instanceof ProblemError)) throw error;
      mark(verdict_id, { state: 'refused', problem: error.message });
      return true;
    }
  }

  async function drain(): Promise<void> {
    clearTimeout(retry);
    for (;;) {
      const user = options.user();
      const next = queue.find((one) => one.state !== 'refused' && one.user === user);
      if (next === undefined) {
        failures = 0;
        return;
      }
      if (!(await sendOne(next))) {
        failures += 1;
        const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
        retry = setTimeout(() => void flush(), wait);
        return;
      }
    }
  }

  function flush(): Promise<void> {
    flushing ??= drain().finally(() => (flushing = undefined));
    return flushing;
  }

  return {
    give(draft: VerdictDraft) {
      const queued: QueuedVerdict = {
        ...draft,
        verdict_id: options.makeUuid(),
        user: options.user() ?? '',
        state: 'waiting',
        problem: '',
      };
      become([...queue, queued]);
      void flush();
      return queued;
    },
    pending: () => queue,
    flush,
    discard: remove,
    onChange(listener) {
      onChange.add(listener);
      return { dispose: () => void onChange.delete(listener) };
    },
    onSent(listener) {
      onSent.add(listener);
      return { dispose: () => void onSent.delete(listener) };
    },
  };
}

function read(store: KeyValueStore): readonly QueuedVerdict[] {
  const text = store.getItem(KEY);
  if (text === null) return [];
  try {
    const kept = JSON.parse(text) as QueuedVerdict[];
    // What was on its way when the page went down is sent again: the UUID makes it one.
    return kept.map((one) => (one.state === 'sending' ? { ...one, state: 'waiting' } : one));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
