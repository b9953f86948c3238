/** The parts of a card that have no fixed shape, as lines for people. Pure. */

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCode(value: Record<string, unknown>): boolean {
  return typeof value['meaning'] === 'string' && typeof value['value'] === 'string';
}

/** One value in words; "" for what says nothing (null, an empty list). */
export function toWords(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(toWords).filter((words) => words !== '').join(', ');
  if (!isRecord(value)) return '';
  if (isCode(value)) return String(value['meaning']);
  if (typeof value['label'] === 'string') {
    return value['is_critical'] === true ? `${value['label']} (critical)` : value['label'];
  }
  return toLines(value).join('; ');
}

/** A list as its members, a table as "name: value", text as itself. */
export function toLines(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(toWords).filter((words) => words !== '');
  if (isRecord(value) && !isCode(value)) {
    return Object.entries(value)
      .map(([name, each]) => [name.replaceAll('_', ' '), toWords(each)] as const)
      .filter(([, words]) => words !== '')
      .map(([name, words]) => `${name}: ${words}`);
  }
  const words = toWords(value);
  return words === '' ? [] : [words];
}
