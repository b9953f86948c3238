import { advanceCine, type Scene, type SceneStore } from '../scene/index.js';

export interface Cine {
  follow(scene: Scene): void;
  stop(): void;
}

/** Frames in their own time; it waits for one that is still on its way and skips none. */
export function createCine(store: SceneStore, isNextHere: () => boolean): Cine {
  let request = 0;
  let due = 0;

  function tick(now: number): void {
    const { cine } = store.get();
    if (!cine.isPlaying) {
      request = 0;
      return;
    }
    const period = 1000 / cine.framesPerSecond;
    if (due === 0) due = now + period;
    if (now >= due && isNextHere()) {
      store.perform(advanceCine);
      // Keeps the rate over long runs, and does not race after a pause.
      due = now - due > period ? now + period : due + period;
    }
    request = requestAnimationFrame(tick);
  }

  return {
    follow(scene) {
      if (!scene.cine.isPlaying || request !== 0) return;
      due = 0;
      request = requestAnimationFrame(tick);
    },
    stop() {
      cancelAnimationFrame(request);
      request = 0;
    },
  };
}
