import { expect, it } from 'vitest';

import { toLines, toWords } from './card-text.js';

it('says lists, tables, codes and outputs in words', () => {
  expect(toLines(['one', '', null, 'two'])).toEqual(['one', 'two']);
  expect(toLines({ max_slice_gap_mm: 10, body_parts: [], is_volume: true, none: null })).toEqual([
    'max slice gap mm: 10',
    'is volume: yes',
  ]);
  expect(toWords({ value: '1', scheme: 'SCT', meaning: 'Haemorrhage' })).toBe('Haemorrhage');
  expect(toLines([{ key: 'edh', label: 'Epidural bleed', is_critical: true }])).toEqual([
    'Epidural bleed (critical)',
  ]);
  expect(toLines('text')).toEqual(['text']);
  expect(toLines(undefined)).toEqual([]);
});
