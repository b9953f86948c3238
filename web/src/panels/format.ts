/** Values as people read them. Pure: the clock is an argument. */
import { sayConfidence, type MeasurementView, type Row, type Verdict } from '../words/index.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in the largest unit that fits; "" where `iso` is no time. */
export function formatAgo(iso: string, nowMs: number): string {
  const then = Date.parse(iso);
  if (Number.isNaN(then)) return '';
  const passed = Math.max(0, nowMs - then);
  if (passed < MINUTE) return 'just now';
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) {
    const hours = Math.floor(passed / HOUR);
    const minutes = Math.floor((passed % HOUR) / MINUTE);
    return hours < 6 && minutes > 0 ? `${hours} h ${minutes} min ago` : `${hours} h ago`;
  }
  const days = Math.floor(passed / DAY);
  return days === 1 ? '1 day ago' : `${days} days ago`;
}

/** Local date and time, the same width for every row; "" where `iso` is no time. */
export function formatMoment(iso: string): string {
  const moment = new Date(iso);
  if (iso === '' || Number.isNaN(moment.getTime())) return '';
  const two = (number: number): string => String(number).padStart(2, '0');
  return (
    `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ` +
    `${two(moment.getHours())}:${two(moment.getMinutes())}`
  );
}

const SEXES: Record<string, string> = { F: 'F', M: 'M', O: 'other' };

/**
 * Age and sex as a reader says them: "71 F". Years lose their letter; months, weeks and days keep
 * theirs, since "3 M" would read as a man of three.
 */
export function formatAgeSex(age: string, sex: string): string {
  const match = /^0*(\d+) ?([YMWD])$/.exec(age.trim());
  const units: Record<string, string> = { Y: '', M: ' mo', W: ' wk', D: ' d' };
  const years = match ? `${match[1] ?? ''}${units[match[2] ?? 'Y'] ?? ''}` : age.trim();
  return [years, SEXES[sex] ?? ''].filter((part) => part !== '').join(' ');
}

/** "CT head", without saying the modality twice. */
export function formatStudyTitle(modality: string, description: string, bodyPart: string): string {
  const words = description.trim() || bodyPart.trim().toLowerCase();
  if (modality === '') return words || 'Study without description';
  if (words === '') return modality;
  const first = words.split(/\s/, 1)[0]?.toUpperCase() ?? '';
  return modality.split('/').includes(first) ? words : `${modality} ${words}`;
}

/** DICOM's "Family^Given" as "Family, Given". */
export function formatName(name: string): string {
  const parts = name.split('=', 1)[0]?.split('^') ?? [];
  const [family = '', given = '', middle = ''] = parts.map((part) => part.trim());
  const rest = [given, middle].filter((part) => part !== '').join(' ');
  return family !== '' && rest !== '' ? `${family}, ${rest}` : family || rest;
}

/** UCUM codes (and ours for "no unit") as they are printed. */
const UNITS: Record<string, string> = {
  mm2: 'mm²',
  cm2: 'cm²',
  mm3: 'mm³',
  "[hnsf'U]": 'HU',
  deg: '°',
  '1': '',
  '{ratio}': '',
  '[pixel]': 'px',
  '{pixels}': 'px',
};

export function formatUnit(ucum: string): string {
  return UNITS[ucum] ?? ucum;
}

function decimalsFor(value: number, uncertainty: number | null): number {
  if (uncertainty !== null && uncertainty > 0) {
    if (uncertainty >= 10) return 0;
    return uncertainty >= 0.05 ? 1 : 2;
  }
  const size = Math.abs(value);
  if (size >= 1000) return 0;
  return size >= 1 || size === 0 ? 1 : 2;
}

/** "14.1 mL (± 1.2)": the number, its unit and the half-width of its interval where known. */
export function formatQuantity(value: number, ucum: string, uncertainty: number | null): string {
  const decimals = decimalsFor(value, uncertainty);
  const unit = formatUnit(ucum);
  const gap = unit === '' || unit === '°' ? '' : ' ';
  const spread = uncertainty === null ? '' : ` (± ${uncertainty.toFixed(decimals)})`;
  return `${value.toFixed(decimals)}${gap}${unit}${spread}`;
}

export function formatMeasurement(measurement: MeasurementView): string {
  return formatQuantity(measurement.value, measurement.unit.value, measurement.uncertainty);
}

/** The one number a list shows: a volume where there is one, else the first measurement. */
export function findMainMeasurement(
  measurements: readonly MeasurementView[],
): MeasurementView | undefined {
  return measurements.find((measurement) => measurement.unit.value === 'mL') ?? measurements[0];
}

/** Two decimals, or words: a missing score is not a score of nought. */
export function formatConfidence(confidence: number | null): string {
  return confidence === null ? 'no score' : sayConfidence(confidence);
}

export function formatShare(share: number): string {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`;
}

/** How far an analysis is, in words; "no finding" is never said for "not analysed". */
export function formatAnalysis(row: Pick<Row, 'analysis' | 'instances_received' | 'flag'>): string {
  const { state, share, message, reasons } = row.analysis;
  const count = row.instances_received;
  switch (state) {
    case 'receiving':
      return message || `Receiving, ${count} ${count === 1 ? 'image' : 'images'} so far`;
    case 'waiting':
      return message || 'Waiting for analysis';
    case 'analysing': {
      const much = share === null || share <= 0 ? 'Analysing' : `Analysing ${formatShare(share)}`;
      return message === '' ? much : `${much}: ${message}`;
    }
    case 'analysed': {
      const outcome = row.flag === null ? 'Analysed, no flag' : 'Analysed, flagged';
      return message === '' ? outcome : `${outcome}. ${message}`;
    }
    case 'not_suitable': {
      const why = [...new Set(reasons.map((reason) => reason.reason))];
      return `Not suitable: ${why[0] ?? (message || 'no installed model takes this study')}`;
    }
    case 'failed':
      return `Failed: ${message || 'the reason was not recorded; see the server log'}`;
    case 'idle':
      // Not run, or run and withheld: neither is told apart from the other here.
      return 'No analysis to show';
  }
}

/** How sure the makers are of the model itself. */
export function formatStatus(status: string): string {
  const words: Record<string, string> = {
    demonstration: 'demonstration',
    research: 'research only',
    cleared: 'cleared device',
  };
  return words[status] ?? status;
}

/** What the banner says of a model that may not be trusted with a patient; "" for a cleared one. */
export function formatStatusWarning(status: string): string {
  if (status === 'demonstration') {
    return 'Demonstration only: not a medical device, not for diagnosis';
  }
  if (status === 'research') return 'Research only: not a medical device, not for diagnosis';
  return status === 'cleared' ? '' : `Status "${status}": not for diagnosis`;
}

/** The same in the few words that fit one line of a phone. */
export function formatShortWarning(status: string): string {
  if (status === 'cleared') return '';
  const word = status === 'research' ? 'Research' : status === 'demonstration' ? 'Demonstration' : status;
  return `${word}: not for diagnosis`;
}

export interface Origin {
  model: string;
  version: string;
  confidence: number | null;
  status: string;
}

/** The words that every claim carries. */
export function formatOrigin(origin: Origin): string {
  return (
    `AI suggestion · ${origin.model} ${origin.version} · ` +
    `${formatConfidence(origin.confidence)} · ${formatStatus(origin.status)}`
  );
}

const VERDICTS: Record<Verdict['kind'], string> = {
  accept: 'Accepted',
  reject: 'Rejected',
  adjust: 'Adjusted',
  withdraw: 'Withdrawn',
};

export function formatVerdictKind(kind: Verdict['kind']): string {
  return VERDICTS[kind];
}

/** "Adjusted by Dr Reader: 15.2 mL" */
export function formatVerdict(verdict: Pick<Verdict, 'kind' | 'reason' | 'measurements' | 'made_by'>): string {
  const by = verdict.made_by === '' ? '' : ` by ${verdict.made_by}`;
  const number = findMainMeasurement(verdict.measurements);
  const detail = verdict.reason || (number === undefined ? '' : formatMeasurement(number));
  return `${VERDICTS[verdict.kind]}${by}${detail === '' ? '' : `: ${detail}`}`;
}

/** Where the site is said as text, with the side before it: "Right thalamus". */
export function formatPlace(site: string | null, laterality: string | null): string {
  const side = laterality === null ? '' : laterality.replace(/^(right|left)( side)?$/i, '$1');
  const words = [side, site ?? ''].map((word) => word.trim().toLowerCase()).filter((word) => word !== '');
  const text = words.join(' ');
  return text === '' ? '' : text.charAt(0).toUpperCase() + text.slice(1);
}
