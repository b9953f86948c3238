import { describe, expect, it } from 'vitest';
import { maskWords, toSegments } from './runs.js';
import { cutSegments, planCuts, type Volume } from './volume.js';

describe('runs', () => {
  it('start with background', () => {
    expect([...maskWords([1, 2, 1], 4, [1, 2, 3])].map((word) => word !== 0)).toEqual([false, true, true, false]);
    expect([...maskWords([0, 1, 3], 4, [1, 2, 3])].map((word) => word !== 0)).toEqual([true, false, false, false]);
  });

  it('become segments that end with their line', () => {
    // 3 columns, 2 rows, 2 slices: voxels 2 to 6 are set.
    expect([...toSegments([2, 5, 5], 3, 2)]).toEqual([0, 0, 2, 3, 0, 1, 0, 3, 1, 0, 0, 1]);
  });

  it('are cut as a reader expects: head up on the coronal plane', () => {
    const volume: Volume = {
      size: [2, 2, 3],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      axes: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      voxels: new Int16Array(12),
      note: '',
    };
    const coronal = planCuts(volume)[1];
    const words = new Uint32Array(6);
    // Voxel (1, 0, 2), the topmost slice, patient's left.
    cutSegments(Int32Array.from([2, 0, 1, 2]), coronal, 0, 7, words);
    expect([...words]).toEqual([0, 7, 0, 0, 0, 0]);
  });
});
