import { expect, it } from 'vitest';

import { EMPTY_SCENE, type Scene } from '../scene/index.js';
import type { ResultView } from '../words/index.js';
import { findMeant, listKeyed } from './commands.js';

const finding = { tracking_uid: 'f', regions: [], key_image: null };
const chosen: Scene = {
  ...EMPTY_SCENE,
  results: [{ result: { result_uid: 'r', findings: [finding] } } as unknown as ResultView],
  selected: { resultUid: 'r', trackingUid: 'f' },
};
const nameOf = (scene: Scene, key: string, mayJudge = true, changed = {}): string | undefined => {
  const meant = findMeant(scene, key, mayJudge, changed);
  return meant?.kind === 'command' ? meant.command.name : meant?.action.name;
};

it('Enter accepts, saves where an outline is being changed, and is nothing for who may not judge', () => {
  expect(nameOf(chosen, 'Enter')).toBe('accept');
  expect(nameOf({ ...chosen, draft: { resultUid: 'r', trackingUid: 'f', regions: [] } }, 'Enter')).toBe('save-adjustment');
  expect(nameOf(chosen, 'Enter', false)).toBeUndefined();
  expect(nameOf(EMPTY_SCENE, 'Enter')).toBeUndefined();
  expect(nameOf(chosen, 'Backspace')).toBe('reject');
});

it('letters match in either case', () => {
  expect(nameOf(chosen, 'n')).toBe('next-finding');
  expect(nameOf(chosen, 'N')).toBe('next-finding');
});

it('a changed key takes the place of the delivered one', () => {
  expect(nameOf(chosen, 'J', true, { 'next-finding': 'J' })).toBe('next-finding');
  expect(nameOf(chosen, 'N', true, { 'next-finding': 'J' })).toBeUndefined();
});

it('no two lines of the list have the same name', () => {
  const names = listKeyed().map((one) => one.name);
  expect(new Set(names).size).toBe(names.length);
});
