/** The worklist as a value: rows in, events in, rows in order out. Pure. */
import type { LiveEvent, Row } from '../words/index.js';

const PRIORITIES: Record<Row['priority'], number> = { stat: 0, high: 1, routine: 2 };

/** Waiting this long lifts a study by one step of order priority (worklist/ranking.py). */
const AGEING_MS = 4 * 3_600_000;

function stepOf(row: Row, nowMs: number): number {
  const waited = nowMs - Date.parse(row.received_at);
  const lifted = Number.isNaN(waited) ? 0 : Math.max(0, Math.floor(waited / AGEING_MS));
  return Math.max(0, PRIORITIES[row.priority] - lifted);
}

/** The service's one ranking: critical first, then as ordered, then who waits longest. */
export function compareRows(one: Row, other: Row, nowMs: number): number {
  if (one.is_critical !== other.is_critical) return one.is_critical ? -1 : 1;
  const step = stepOf(one, nowMs) - stepOf(other, nowMs);
  if (step !== 0) return step;
  const waited = Date.parse(one.received_at) - Date.parse(other.received_at);
  if (waited !== 0 && !Number.isNaN(waited)) return waited;
  return one.study_instance_uid < other.study_instance_uid ? -1 : 1;
}

/** The rows after this event: its row replaces the one of the same study, in order. */
export function applyEvent(rows: readonly Row[], event: LiveEvent, nowMs: number): readonly Row[] {
  const { row } = event;
  if (row === null) return rows;
  const others = rows.filter((each) => each.study_instance_uid !== row.study_instance_uid);
  return [...others, row].sort((one, other) => compareRows(one, other, nowMs));
}

/** What a screen reader hears of it; "" where nothing calls for an interruption. No identity. */
export function announce(rows: readonly Row[], event: LiveEvent): string {
  const { row } = event;
  if (row === null) return '';
  const before = rows.find((each) => each.study_instance_uid === row.study_instance_uid);
  if (row.flag !== null && before?.flag?.text !== row.flag.text) {
    return `${row.is_critical ? 'Critical. ' : ''}${row.modality} study: ${row.flag.text}`;
  }
  if (before === undefined) return `New ${row.modality} study`;
  return '';
}
