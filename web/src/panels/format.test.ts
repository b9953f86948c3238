import { describe, expect, it } from 'vitest';

import type { AnalysisState, MeasurementView, Row } from '../words/index.js';
import {
  findMainMeasurement,
  formatAgeSex,
  formatAgo,
  formatAnalysis,
  formatConfidence,
  formatName,
  formatOrigin,
  formatPlace,
  formatQuantity,
  formatStatusWarning,
  formatStudyTitle,
  formatVerdict,
} from './format.js';

const NOW = Date.parse('2026-11-25T02:10:00Z');
const before = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

describe('formatAgo', () => {
  it.each([
    [0, 'just now'],
    [59, 'just now'],
    [60, '1 min ago'],
    [119, '1 min ago'],
    [3599, '59 min ago'],
    [3600, '1 h ago'],
    [4800, '1 h 20 min ago'],
    [7 * 3600 + 900, '7 h ago'],
    [86_400, '1 day ago'],
    [3 * 86_400, '3 days ago'],
  ])('%i s', (seconds, words) => expect(formatAgo(before(seconds), NOW)).toBe(words));
  it('never says a negative time where the clocks differ', () =>
    expect(formatAgo(before(-30), NOW)).toBe('just now'));
  it('says nothing of no time', () => expect(formatAgo('', NOW)).toBe(''));
});

describe('formatAgeSex', () => {
  it.each([
    ['71 Y', 'F', '71 F'],
    ['071Y', 'M', '71 M'],
    ['3 M', 'M', '3 mo M'],
    ['12 D', '', '12 d'],
    ['', 'F', 'F'],
    ['', '', ''],
    ['40 Y', 'O', '40 other'],
  ])('%s %s', (age, sex, words) => expect(formatAgeSex(age, sex)).toBe(words));
});

describe('formatStudyTitle', () => {
  it.each([
    ['CT', 'head', '', 'CT head'],
    ['CT', 'CT head without contrast', '', 'CT head without contrast'],
    ['CT/MR', 'MR Brain', '', 'MR Brain'],
    ['CT', '', 'HEAD', 'CT head'],
    ['', '', '', 'Study without description'],
    ['CR', '', '', 'CR'],
  ])('%s %s %s', (modality, description, part, words) =>
    expect(formatStudyTitle(modality, description, part)).toBe(words),
  );
});

it('turns DICOM names round', () => {
  expect(formatName('Doe^Jane^M')).toBe('Doe, Jane M');
  expect(formatName('Doe^^')).toBe('Doe');
  expect(formatName('Yamada^Tarou=山田^太郎')).toBe('Yamada, Tarou');
  expect(formatName('')).toBe('');
});

describe('formatQuantity', () => {
  it.each<[number, string, number | null, string]>([
    [14.08, 'mL', 1.24, '14.1 mL (± 1.2)'],
    [14.08, 'mL', null, '14.1 mL'],
    [0.04, 'mL', 0.012, '0.04 mL (± 0.01)'],
    [0, 'mL', null, '0.0 mL'],
    [1234.4, 'mm2', null, '1234 mm²'],
    [14.02, 'mL', 0.02, '14.02 mL (± 0.02)'],
    [152, 'mL', 12, '152 mL (± 12)'],
    [71.2, "[hnsf'U]", null, '71.2 HU'],
    [18.5, 'deg', null, '18.5°'],
    [0.31, '1', null, '0.31'],
  ])('%d %s', (value, unit, uncertainty, words) =>
    expect(formatQuantity(value, unit, uncertainty)).toBe(words),
  );
});

it('a missing score is words, never a nought', () => {
  expect(formatConfidence(null)).toBe('no score');
  expect(formatConfidence(0.914)).toBe('0.91');
  expect(formatConfidence(0.9994)).toBe('>0.99');
  expect(formatConfidence(0.0004)).toBe('<0.01');
  expect(formatConfidence(1)).toBe('1.00');
});

it('every claim says where it comes from', () =>
  expect(formatOrigin({ model: 'm', version: '1.2', confidence: 0.91, status: 'demonstration' })).toBe(
    'AI suggestion · m 1.2 · 0.91 · demonstration',
  ));

it('an unknown status is treated as not for diagnosis', () => {
  expect(formatStatusWarning('cleared')).toBe('');
  expect(formatStatusWarning('whatever')).toContain('not for diagnosis');
  expect(formatStatusWarning('demonstration')).toContain('not a medical device');
});

describe('formatAnalysis', () => {
  const row = (
    state: AnalysisState,
    more: Partial<Row['analysis']> = {},
    flag: Row['flag'] = null,
  ): Pick<Row, 'analysis' | 'instances_received' | 'flag'> => ({
    analysis: { state, share: null, message: '', reasons: [], ...more },
    instances_received: 84,
    flag,
  });
  it.each([
    [row('receiving'), 'Receiving, 84 images so far'],
    [row('waiting'), 'Waiting for analysis'],
    [row('analysing', { share: 0.456 }), 'Analysing 46 %'],
    [row('analysing', { share: 0.4, message: 'brain mask' }), 'Analysing 40 %: brain mask'],
    [row('analysed'), 'Analysed, no flag'],
    [row('failed', { message: 'out of memory' }), 'Failed: out of memory'],
    [row('idle'), 'No analysis to show'],
    [row('analysed', { message: 'More images came after the analysis.' }), 'Analysed, no flag. More images came after the analysis.'],
    [
      row('not_suitable', { reasons: [{ model: 'm', reason: 'needs a CT' }] }),
      'Not suitable: needs a CT',
    ],
  ])('%#', (given, words) => expect(formatAnalysis(given)).toBe(words));
  it('says "no flag" of an analysed study alone', () => {
    const states: AnalysisState[] = ['receiving', 'waiting', 'analysing', 'not_suitable', 'failed', 'idle'];
    for (const state of states) expect(formatAnalysis(row(state))).not.toContain('no flag');
  });
});

it('a volume is the number that a list shows', () => {
  const code = (value: string) => ({ value, scheme: 'UCUM', meaning: value });
  const shift: MeasurementView = { concept: code('shift'), value: 4, unit: code('mm'), uncertainty: null };
  const volume: MeasurementView = { concept: code('v'), value: 14, unit: code('mL'), uncertainty: 1 };
  expect(findMainMeasurement([shift, volume])).toBe(volume);
  expect(findMainMeasurement([shift])).toBe(shift);
  expect(findMainMeasurement([])).toBeUndefined();
  expect(formatVerdict({ kind: 'adjust', reason: '', measurements: [volume], made_by: 'reader' })).toBe(
    'Adjusted by reader: 14.0 mL (± 1.0)',
  );
  expect(formatVerdict({ kind: 'reject', reason: 'Calcification', measurements: [], made_by: '' })).toBe(
    'Rejected: Calcification',
  );
});

it('says the side before the site', () => {
  expect(formatPlace('Thalamus', 'Right')).toBe('Right thalamus');
  expect(formatPlace(null, 'Left side')).toBe('Left');
  expect(formatPlace(null, null)).toBe('');
});
