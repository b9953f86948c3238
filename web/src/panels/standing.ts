/** Which verdicts stand: rows are only ever added, a withdrawal takes that person's last one back. */
import type { QueuedVerdict } from '../client/index.js';
import type { MeasurementView, Verdict, VerdictKind } from '../words/index.js';

export interface StandingVerdict {
  readonly verdictId: string;
  readonly kind: Exclude<VerdictKind, 'withdraw'>;
  readonly reason: string;
  readonly measurements: readonly MeasurementView[];
  readonly madeBy: string;
  /** `saved`: the service has it. `refused`: it will never have it, and `problem` says why. */
  readonly state: 'saved' | QueuedVerdict['state'];
  readonly problem: string;
}

type Step = Omit<StandingVerdict, 'kind'> & { readonly kind: VerdictKind };

function fromVerdict(verdict: Verdict): Step {
  return {
    verdictId: verdict.verdict_id,
    kind: verdict.kind,
    reason: verdict.reason,
    measurements: verdict.measurements,
    madeBy: verdict.made_by,
    state: 'saved',
    problem: '',
  };
}

function fromQueued(queued: QueuedVerdict): Step {
  return {
    verdictId: queued.verdict_id,
    kind: queued.kind,
    reason: queued.reason,
    measurements: [],
    madeBy: queued.user,
    state: queued.state,
    problem: queued.problem,
  };
}

/**
 * Each person's standing verdict on one finding, those still in the queue included, in the order
 * in which the people first spoke. A refused verdict is shown until it is discarded and takes
 * nothing back.
 */
export function findStanding(
  verdicts: readonly Verdict[],
  pending: readonly QueuedVerdict[],
  trackingUid: string,
): StandingVerdict[] {
  const saved = verdicts
    .filter((verdict) => verdict.tracking_uid === trackingUid)
    .sort((one, other) => Date.parse(one.made_at) - Date.parse(other.made_at))
    .map(fromVerdict);
  const known = new Set(saved.map((step) => step.verdictId));
  const queued = pending
    .filter((one) => one.tracking_uid === trackingUid && !known.has(one.verdict_id))
    .map(fromQueued);
  const people = new Map<string, Step[]>();
  for (const step of [...saved, ...queued]) {
    const steps = people.get(step.madeBy) ?? [];
    people.set(step.madeBy, steps);
    if (step.kind !== 'withdraw') steps.push(step);
    else if (step.state !== 'refused') steps.pop();
  }
  return [...people.values()].flatMap((steps) => {
    const last = steps.at(-1);
    return last === undefined || last.kind === 'withdraw' ? [] : [{ ...last, kind: last.kind }];
  });
}
