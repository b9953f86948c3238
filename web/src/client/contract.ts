/** What the rungs above may ask of the service. No DOM below this line but `fetch` and events. */
import type {
  AuditPage,
  FindingVolume,
  ImageList,
  ImageView,
  Job,
  LiveEvent,
  ModelCard,
  QuarantineItem,
  Region,
  ResultView,
  Session,
  StudyView,
  Subscription,
  Verdict,
  VerdictKind,
  VolumeGrid,
  Worklist,
} from '../words/index.js';

export interface Sessions {
  /** Who is signed in, as last heard; null before `restore` and after signing out. */
  current(): Session | null;
  /** Ask the service whether the cookie still stands. */
  restore(): Promise<Session | null>;
  signIn(username: string, password: string): Promise<Session>;
  signOut(): Promise<void>;
  /** Called at each change, a session ended by the server included. */
  on(listener: (session: Session | null) => void): Subscription;
}

export type LiveState = 'live' | 'reconnecting' | 'offline' | 'stopped';

export interface LiveEvents {
  readonly state: LiveState;
  /** The newest event id seen: a later `start` goes on after it. */
  readonly lastEventId: number;
  /** Follow the stream after this event id (a worklist's `last_event_id`). */
  start(lastEventId: number): void;
  stop(): void;
  onEvent(listener: (event: LiveEvent) => void): Subscription;
  onState(listener: (state: LiveState) => void): Subscription;
}

export interface VerdictDraft {
  readonly result_uid: string;
  readonly tracking_uid: string;
  readonly kind: VerdictKind;
  readonly reason: string;
  /** The person's own boxes and contours; empty but for `adjust`. */
  readonly regions: readonly Region[];
}

export interface QueuedVerdict extends VerdictDraft {
  readonly verdict_id: string;
  /** User who gave it: nobody else's session sends it. */
  readonly user: string;
  /** `refused`: the service said no for good; `problem` says why. */
  readonly state: 'waiting' | 'sending' | 'refused';
  readonly problem: string;
}

export interface VerdictQueue {
  /** Keep the verdict and send it as soon as possible; resolves when it is kept, not when sent. */
  give(draft: VerdictDraft): QueuedVerdict;
  /** Not yet at the service, oldest first. */
  pending(): readonly QueuedVerdict[];
  /** Try now (on `online`, after signing in). */
  flush(): Promise<void>;
  /** Drop one that was refused. */
  discard(verdictId: string): void;
  onChange(listener: (pending: readonly QueuedVerdict[]) => void): Subscription;
  onSent(listener: (verdict: Verdict) => void): Subscription;
}

/** One decoded frame: stored values, samples interleaved, little endian already applied. */
export interface Frame {
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  readonly bits: number;
  readonly is_signed: boolean;
  /** `image/jphc` (still a codestream, to be decoded) or `application/octet-stream`. */
  readonly media_type: string;
  readonly bytes: ArrayBuffer;
}

export interface Client {
  readonly session: Sessions;
  readonly live: LiveEvents;
  readonly verdicts: VerdictQueue;
  worklist(signal?: AbortSignal): Promise<Worklist>;
  quarantine(signal?: AbortSignal): Promise<QuarantineItem[]>;
  study(study: string, signal?: AbortSignal): Promise<StudyView>;
  images(study: string, series: string, signal?: AbortSignal): Promise<ImageList>;
  frame(image: ImageView, options?: { htj2k?: boolean; signal?: AbortSignal }): Promise<Frame>;
  volume(study: string, series: string, signal?: AbortSignal): Promise<VolumeGrid>;
  /** Modality values, x fastest, then y, then z. */
  voxels(grid: VolumeGrid, signal?: AbortSignal): Promise<Int16Array>;
  findingVolume(result: string, trackingUid: string, signal?: AbortSignal): Promise<FindingVolume>;
  results(study: string, signal?: AbortSignal): Promise<ResultView[]>;
  result(result: string, signal?: AbortSignal): Promise<ResultView>;
  infer(request: {
    study_instance_uid: string;
    series_instance_uid?: string;
    model?: string;
  }): Promise<Job>;
  job(jobId: string, signal?: AbortSignal): Promise<Job>;
  models(signal?: AbortSignal): Promise<ModelCard[]>;
  audit(after: number, limit: number, signal?: AbortSignal): Promise<AuditPage>;
}
