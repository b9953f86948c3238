import type { Subscription } from '../words/index.js';
import type { Action } from './actions.js';
import { EMPTY_SCENE, type Scene } from './scene.js';

const HISTORY_LIMIT = 200;

/** The part of a scene that undo brings back: a person's work, not where they looked. */
type Work = Pick<
  Scene,
  | 'annotations'
  | 'draft'
  | 'isInverted'
  | 'rotationDegrees'
  | 'isFlippedHorizontally'
  | 'isFlippedVertically'
>;

function workOf(scene: Scene): Work {
  const {
    annotations,
    draft,
    isInverted,
    rotationDegrees,
    isFlippedHorizontally,
    isFlippedVertically,
  } = scene;
  return {
    annotations,
    draft,
    isInverted,
    rotationDegrees,
    isFlippedHorizontally,
    isFlippedVertically,
  };
}

function isSameWork(one: Work, other: Work): boolean {
  return (Object.keys(one) as (keyof Work)[]).every((key) => one[key] === other[key]);
}

export interface SceneStore {
  get(): Scene;
  /** Whether the action applies now. */
  can(action: Action): boolean;
  /** Do the action where its predicate holds, else nothing. */
  perform(action: Action): void;
  undo(): void;
  redo(): void;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Called after each change with the new and the former scene. */
  on(listener: (scene: Scene, before: Scene) => void): Subscription;
}

export function createSceneStore(initial: Scene = EMPTY_SCENE): SceneStore {
  let scene = initial;
  let past: Work[] = [];
  let future: Work[] = [];
  const listeners = new Set<(scene: Scene, before: Scene) => void>();

  function become(next: Scene): void {
    if (next === scene) return;
    const before = scene;
    scene = next;
    for (const listener of [...listeners]) listener(scene, before);
  }

  function remember(next: Scene, action: Action): void {
    if (action.forgets === true) {
      past = [];
      future = [];
      return;
    }
    if (isSameWork(workOf(scene), workOf(next))) return;
    // A drag is many steps and one piece of work: only its first step is remembered.
    if (action.continues !== true) past = [...past, workOf(scene)].slice(-HISTORY_LIMIT);
    future = [];
  }

  return {
    get: () => scene,
    can: (action) => action.predicate(scene),
    perform(action) {
      if (!action.predicate(scene)) return;
      const next = action.perform(scene);
      remember(next, action);
      become(next);
    },
    undo() {
      const work = past.at(-1);
      if (work === undefined) return;
      past = past.slice(0, -1);
      future = [...future, workOf(scene)];
      become({ ...scene, ...work });
    },
    redo() {
      const work = future.at(-1);
      if (work === undefined) return;
      future = future.slice(0, -1);
      past = [...past, workOf(scene)];
      become({ ...scene, ...work });
    },
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },
    on(listener) {
      listeners.add(listener);
      return { dispose: () => void listeners.delete(listener) };
    },
  };
}
