import { describe, expect, it } from 'vitest';

import type { Flag, LiveEvent, Row } from '../words/index.js';
import { announce, applyEvent, compareRows } from './rows.js';

const NOW = Date.parse('2026-11-25T02:10:00Z');
const byRank = (one: Row, other: Row): number => compareRows(one, other, NOW);

function row(uid: string, more: Partial<Row> = {}): Row {
  return {
    study_instance_uid: uid,
    patient_name: 'Doe^Jane',
    patient_id: 'P1',
    patient_age: '71 Y',
    patient_sex: 'F',
    accession_number: 'A1',
    modality: 'CT',
    description: 'head',
    body_part: 'HEAD',
    study_datetime: '',
    received_at: '2026-11-25T02:00:00Z',
    instances_received: 28,
    series_count: 1,
    is_synthetic: false,
    priority: 'routine',
    rank: 1,
    is_critical: false,
    flag: null,
    analysis: { state: 'waiting', share: null, message: '', reasons: [] },
    result_uids: [],
    verdict: null,
    thumbnail_url: '',
    ...more,
  };
}

const flag: Flag = {
  text: 'AI priority: suspected intracranial haemorrhage',
  finding: 'Intraparenchymal bleed, right',
  confidence: 0.91,
  volume_ml: 14.1,
  model: 'm',
  model_version: '1.2',
  model_status: 'demonstration',
};

function event(changed: Row | null): LiveEvent {
  return {
    event_id: 1,
    kind: 'ResultReleased',
    study_instance_uid: changed?.study_instance_uid ?? null,
    occurred_at: '',
    row: changed,
    data: {},
  };
}

describe('the order', () => {
  it('is critical, then priority, then the longest wait', () => {
    const late = row('1', { received_at: '2026-11-25T02:09:00Z' });
    const early = row('2', { received_at: '2026-11-25T01:00:00Z' });
    const stat = row('3', { priority: 'stat', received_at: '2026-11-25T02:09:30Z' });
    const critical = row('4', { is_critical: true, received_at: '2026-11-25T02:09:59Z' });
    const sorted = [late, early, stat, critical].sort(byRank);
    expect(sorted.map((each) => each.study_instance_uid)).toEqual(['4', '3', '2', '1']);
  });
  it('lifts who has waited four hours by one step, and never past a critical one', () => {
    const old = row('1', { received_at: '2026-11-24T22:09:00Z' });
    const high = row('2', { priority: 'high', received_at: '2026-11-25T02:00:00Z' });
    const critical = row('3', { is_critical: true });
    expect([high, old, critical].sort(byRank).map((each) => each.study_instance_uid)).toEqual(['3', '1', '2']);
  });
  it('is the same whatever order the rows came in', () => {
    const rows = ['1', '2', '3'].map((uid) => row(uid));
    expect([...rows].reverse().sort(byRank)).toEqual([...rows].sort(byRank));
  });
});

it('an event replaces its row and moves it, and leaves the others', () => {
  const rows = [row('1', { received_at: '2026-11-25T01:00:00Z' }), row('2')];
  const after = applyEvent(rows, event(row('2', { is_critical: true, flag })), NOW);
  expect(after.map((each) => each.study_instance_uid)).toEqual(['2', '1']);
  expect(after[0]?.flag).toEqual(flag);
  expect(applyEvent(rows, event(null), NOW)).toBe(rows);
  expect(applyEvent(rows, event(row('3')), NOW)).toHaveLength(3);
});

it('says a new flag once, without a name', () => {
  const flagged = row('1', { is_critical: true, flag });
  const words = announce([row('1')], event(flagged));
  expect(words).toBe('Critical. CT study: AI priority: suspected intracranial haemorrhage');
  expect(words).not.toContain('Doe');
  expect(announce([flagged], event(flagged))).toBe('');
  expect(announce([], event(row('2')))).toBe('New CT study');
});
