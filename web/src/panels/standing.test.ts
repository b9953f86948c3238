import { describe, expect, it } from 'vitest';

import type { QueuedVerdict } from '../client/index.js';
import type { Verdict, VerdictKind } from '../words/index.js';
import { findStanding } from './standing.js';

let clock = 0;
function saved(kind: VerdictKind, madeBy = 'ann', uid = 'f'): Verdict {
  clock += 1;
  return {
    verdict_id: `s${clock}`,
    result_uid: 'r',
    tracking_uid: uid,
    kind,
    reason: '',
    regions: [],
    measurements: [],
    made_by: madeBy,
    made_at: new Date(clock * 1000).toISOString(),
  };
}
function queued(kind: VerdictKind, state: QueuedVerdict['state'] = 'waiting'): QueuedVerdict {
  clock += 1;
  return {
    verdict_id: `q${clock}`,
    result_uid: 'r',
    tracking_uid: 'f',
    kind,
    reason: '',
    regions: [],
    user: 'ann',
    state,
    problem: '',
  };
}
const kinds = (verdicts: Verdict[], pending: QueuedVerdict[] = []): string[] =>
  findStanding(verdicts, pending, 'f').map((one) => `${one.madeBy} ${one.kind} ${one.state}`);

describe('findStanding', () => {
  it('lets the newest of each person speak', () =>
    expect(kinds([saved('accept'), saved('reject'), saved('accept', 'bob')])).toEqual([
      'ann reject saved',
      'bob accept saved',
    ]));
  it('takes the last one back, and the one before stands again', () => {
    expect(kinds([saved('accept'), saved('withdraw')])).toEqual([]);
    expect(kinds([saved('accept'), saved('reject'), saved('withdraw')])).toEqual(['ann accept saved']);
  });
  it('does not take back what another person said', () =>
    expect(kinds([saved('accept', 'bob'), saved('withdraw', 'ann')])).toEqual(['bob accept saved']));
  it('shows what waits in the queue', () => {
    expect(kinds([], [queued('accept')])).toEqual(['ann accept waiting']);
    expect(kinds([saved('accept')], [queued('withdraw')])).toEqual([]);
    expect(kinds([saved('accept')], [queued('withdraw', 'refused')])).toEqual(['ann accept saved']);
  });
  it('counts one that is both sent and still queued once', () => {
    const sent = saved('accept');
    expect(kinds([sent], [{ ...queued('accept'), verdict_id: sent.verdict_id }])).toEqual(['ann accept saved']);
  });
  it('knows nothing of other findings', () => expect(kinds([saved('accept', 'ann', 'g')])).toEqual([]));
  it('sorts by time, whatever the order given', () => {
    const [first, second] = [saved('accept'), saved('reject')];
    expect(kinds([second, first])).toEqual(['ann reject saved']);
  });
});
