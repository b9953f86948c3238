import type { Client } from './contract.js';
import { createLiveEvents, type OpenEventSource } from './live.js';
import { readFrame } from './pixels.js';
import { createSessions } from './session.js';
import { createTransport, postJson, type Fetch } from './transport.js';
import { makeUuid } from './uuid.js';
import { createVerdictQueue, type KeyValueStore } from './verdicts.js';
import type {
  ImageList,
  Job,
  ModelCard,
  QuarantineItem,
  ResultView,
  StudyView,
  AuditPage,
  FindingVolume,
  VolumeGrid,
  Worklist,
} from '../words/index.js';

export interface ClientOptions {
  readonly fetch?: Fetch;
  readonly openEventSource?: OpenEventSource;
  /** Where unsent verdicts survive a reload: the tab's own storage, nothing beyond it. */
  readonly store?: KeyValueStore;
  readonly makeUuid?: () => string;
  /** Tells `online` and `offline`; the window, unless given. */
  readonly network?: Pick<EventTarget, 'addEventListener'>;
}

const API = '/api/v1';

function path(...parts: string[]): string {
  return [API, ...parts.map(encodeURIComponent)].join('/');
}

/** Everything the application asks of the service. */
export function createClient(options: ClientOptions = {}): Client {
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const network = options.network ?? globalThis;
  const transport = createTransport(
    fetch,
    () => session.current()?.csrf_token,
    () => session.lose(),
  );
  const session = createSessions(transport);
  const live = createLiveEvents(
    options.openEventSource ?? ((url) => new EventSource(url)),
    network,
  );
  const verdicts = createVerdictQueue({
    transport,
    user: () => session.current()?.user,
    store: options.store ?? globalThis.sessionStorage,
    makeUuid: options.makeUuid ?? makeUuid,
  });
  session.on((now) => {
    if (now === null) live.stop();
    else void verdicts.flush();
  });
  live.onState((state) => {
    if (state === 'live') void verdicts.flush();
  });
  network.addEventListener('online', () => void verdicts.flush());

  const get = <Value>(url: string, signal?: AbortSignal): Promise<Value> =>
    transport.json<Value>(url, signal === undefined ? {} : { signal });
  const query = (values: Record<string, string>): string =>
    `?${new URLSearchParams(values).toString()}`;

  return {
    session,
    live,
    verdicts,
    worklist: (signal) => get<Worklist>(path('worklist'), signal),
    quarantine: async (signal) =>
      (await get<{ items: QuarantineItem[] }>(path('quarantine'), signal)).items,
    study: (study, signal) => get<StudyView>(path('studies', study), signal),
    images: (study, series, signal) =>
      get<ImageList>(path('studies', study, 'series', series, 'images'), signal),
    frame: (image, { htj2k = false, signal } = {}) => readFrame(transport, image, htj2k, signal),
    volume: (study, series, signal) =>
      get<VolumeGrid>(path('studies', study, 'series', series, 'volume'), signal),
    voxels: async (grid, signal) => {
      const response = await transport.send(
        grid.voxels_url,
        signal === undefined ? {} : { signal },
      );
      return new Int16Array(await response.arrayBuffer());
    },
    findingVolume: (result, trackingUid, signal) =>
      get<FindingVolume>(path('results', result, 'findings', trackingUid, 'volume'), signal),
    results: async (study, signal) =>
      (
        await get<{ results: ResultView[] }>(
          path('results') + query({ study_instance_uid: study }),
          signal,
        )
      ).results,
    result: (result, signal) => get<ResultView>(path('results', result), signal),
    infer: (request) => transport.json<Job>(path('inference'), postJson(request)),
    job: (jobId, signal) => get<Job>(path('inference', jobId), signal),
    models: async (signal) => (await get<{ models: ModelCard[] }>(path('models'), signal)).models,
    audit: (after, limit, signal) =>
      get<AuditPage>(path('audit') + query({ after: String(after), limit: String(limit) }), signal),
  };
}
