/** A tap switches the AI layer; holding shows the bare image for as long as it is held. */
import { holdBare, toggleAi, type SceneStore } from '../scene/index.js';

const TAP_MS = 300;

export class BareHold {
  private since: number | undefined;

  constructor(private readonly store: SceneStore) {}

  press(nowMs: number): void {
    if (this.since !== undefined) return;
    this.since = nowMs;
    this.store.perform(holdBare(true));
  }

  release(nowMs: number): void {
    if (this.since === undefined) return;
    const isTap = nowMs - this.since < TAP_MS;
    this.since = undefined;
    this.store.perform(holdBare(false));
    if (isTap) this.store.perform(toggleAi);
  }

  /** The pointer or the window went away: what was held is let go, nothing is switched. */
  cancel(): void {
    this.since = undefined;
    this.store.perform(holdBare(false));
  }
}
