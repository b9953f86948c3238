import { expect, it } from 'vitest';

import type { ImageView, ResultView, SeriesView } from '../words/index.js';
import { findWarnings, formatSeries, listChoices, listImageNotes } from './notices.js';

const series = (number: number, suitability: SeriesView['suitability'], note = ''): SeriesView => ({
  series_instance_uid: `1.${number}`,
  modality: 'CT',
  series_number: number,
  description: 'Head',
  body_part: '',
  frame_of_reference_uid: null,
  image_count: 1,
  is_made_by_overread: false,
  is_displayable: true,
  thumbnail_url: '',
  suitability,
  spacing: { is_volume: true, is_tilted: false, tilt_degrees: 0, is_even: true, gaps_mm: [], note },
});

it('lists the chosen series before the refused', () => {
  const choices = listChoices([
    series(1, [{ model: 'm', is_chosen: false, reason: 'too few slices' }]),
    series(2, [{ model: 'm', is_chosen: true, reason: 'thinnest head CT' }]),
  ]);
  expect(choices.map((one) => `${one.series} ${one.isChosen}`)).toEqual(['Series 2, Head true', 'Series 1, Head false']);
});

it('does not list what Overread itself made', () => {
  const own = { ...series(9, [{ model: 'm', is_chosen: false, reason: 'not an image' }]), is_made_by_overread: true };
  expect(listChoices([own])).toEqual([]);
});

it('says each banner once and none for a cleared model', () => {
  const result = (status: string): ResultView => ({ result: { model_status: status } }) as ResultView;
  expect(findWarnings({ results: [result('demonstration'), result('demonstration')] })).toHaveLength(1);
  expect(findWarnings({ results: [result('cleared')] })).toEqual([]);
});

it('says what limits a picture, even where the service gave no words', () => {
  const image = { is_spacing_trustworthy: false, spacing_note: '', is_lossy: true, lossy_note: '' } as ImageView;
  expect(listImageNotes(image, series(1, [], 'tilted by 18.5°'))).toEqual([
    'No trustworthy pixel spacing: measured in px',
    'Lossy compression',
    'tilted by 18.5°',
  ]);
  expect(listImageNotes(undefined, undefined)).toEqual([]);
});

it('names a series without a number', () =>
  expect(formatSeries({ series_number: null, description: '', modality: 'CT' })).toBe('Series, CT'));
