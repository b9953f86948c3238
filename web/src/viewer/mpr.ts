/** Fetches the volume of the open series once, and the masks of its findings. */
import { ProblemError, type Client } from '../client/index.js';
import { findingsOf, type Scene, type SceneStore } from '../scene/index.js';
import { createPlanes, type Planes, type VolumeMask } from './planes.js';
import { toSegments } from './runs.js';
import { toVolume } from './volume.js';

export interface Mpr {
  readonly planes: Planes;
  /** Fetch the masks of findings that are new in the scene. */
  followResults(scene: Scene): void;
  dispose(): void;
}

/** Throws `ProblemError` where the service gives no volume of this series, with its reason. */
export async function openMpr(
  parent: HTMLElement,
  client: Client,
  store: SceneStore,
  signal: AbortSignal,
  onChange: () => void,
): Promise<Mpr> {
  const { study, series } = store.get();
  if (study === null || series === null) throw new Error('No series is open.');
  const seriesUid = series.seriesInstanceUid;
  const grid = await client.volume(study.study_instance_uid, seriesUid, signal);
  const volume = toVolume(grid, await client.voxels(grid, signal));
  const planes = createPlanes(parent, store, volume);
  const masks = new Map<string, VolumeMask>();
  const asked = new Set<string>();

  async function fetchMask(resultUid: string, trackingUid: string, color: readonly number[]) {
    try {
      const mask = await client.findingVolume(resultUid, trackingUid, signal);
      const segments = toSegments(mask.runs, mask.dimensions[0] ?? 1, mask.dimensions[1] ?? 1);
      masks.set(trackingUid, { trackingUid, color, segments });
      planes.setMasks([...masks.values()]);
      onChange();
    } catch (error) {
      // A finding without a mask has nothing to show on the planes.
      if (!signal.aborted && !(error instanceof ProblemError)) throw error;
    }
  }

  return {
    planes,
    followResults(scene) {
      for (const { result, finding } of findingsOf(scene)) {
        const hasPlace = finding.regions.length > 0;
        if (result.series_instance_uid !== seriesUid || !hasPlace) continue;
        if (asked.has(finding.tracking_uid)) continue;
        asked.add(finding.tracking_uid);
        void fetchMask(result.result_uid, finding.tracking_uid, finding.color_rgb);
      }
    },
    dispose() {
      planes.dispose();
    },
  };
}
