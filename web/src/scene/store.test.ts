import { describe, expect, it } from 'vitest';
import { imagePx } from '../words/index.js';
import { addAnnotation, flipHorizontally, moveAnnotation, rotate } from './actions.js';
import { EMPTY_SCENE } from './scene.js';
import { createSceneStore } from './store.js';

const series = { seriesInstanceUid: '1.2', modality: 'CT', images: [], frameTimeMs: null };

describe('the store', () => {
  it('takes a whole drag back by one undo, and does it again', () => {
    const store = createSceneStore({ ...EMPTY_SCENE, series });
    const image = { sop_instance_uid: '1.3', frame: 1 };
    store.perform(addAnnotation({ id: 'a', kind: 'length', image, points: [imagePx(0, 0), imagePx(1, 1)] }));
    store.perform(moveAnnotation('a', [imagePx(0, 0), imagePx(5, 5)], true));
    store.perform(moveAnnotation('a', [imagePx(0, 0), imagePx(9, 9)], true));
    store.undo();
    expect(store.get().annotations).toEqual([]);
    store.redo();
    expect(store.get().annotations[0]?.points[1]).toMatchObject({ column: 9, row: 9 });
  });

  it('does nothing where the predicate does not hold', () => {
    const store = createSceneStore();
    store.perform(rotate);
    expect(store.get()).toBe(EMPTY_SCENE);
    expect(store.canUndo).toBe(false);
  });

  it('flips as seen: on a picture on its side, its other axis', () => {
    const store = createSceneStore({ ...EMPTY_SCENE, series, rotationDegrees: 90 });
    store.perform(flipHorizontally);
    expect(store.get()).toMatchObject({ isFlippedHorizontally: false, isFlippedVertically: true });
  });
});
