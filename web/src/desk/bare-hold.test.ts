import { expect, it } from 'vitest';

import { createSceneStore, isAiShown } from '../scene/index.js';
import { BareHold } from './bare-hold.js';

it('a tap switches, a hold only shows the bare image', () => {
  const store = createSceneStore();
  const hold = new BareHold(store);
  hold.press(0);
  expect(isAiShown(store.get())).toBe(false);
  hold.release(100);
  expect(isAiShown(store.get())).toBe(false);
  hold.press(1000);
  hold.release(1100);
  expect(isAiShown(store.get())).toBe(true);
  hold.press(2000);
  hold.press(2050);
  expect(isAiShown(store.get())).toBe(false);
  hold.release(2900);
  expect(isAiShown(store.get())).toBe(true);
});

it('a hold that is broken off switches nothing', () => {
  const store = createSceneStore();
  const hold = new BareHold(store);
  hold.press(0);
  hold.cancel();
  hold.release(10);
  expect(isAiShown(store.get())).toBe(true);
});
