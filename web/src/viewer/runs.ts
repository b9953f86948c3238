/** Run lengths as the service sends them: alternating, background first, row-major. */

/** Call `fill` for each set run, in the flat order of the array. */
export function eachRun(runs: readonly number[], fill: (start: number, end: number) => void): void {
  let at = 0;
  for (let position = 0; position < runs.length; position++) {
    const length = runs[position] ?? 0;
    if (position % 2 === 1 && length > 0) fill(at, at + length);
    at += length;
  }
}

/** RGBA words of a mask; alpha is full, opacity is the drawer's. */
export function maskWords(
  runs: readonly number[],
  size: number,
  color: readonly number[],
): Uint32Array<ArrayBuffer> {
  const [red = 86, green = 180, blue = 233] = color;
  const word = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  const words = new Uint32Array(size);
  eachRun(runs, (start, end) => words.fill(word, start, Math.min(end, size)));
  return words;
}

/**
 * A mask on a grid as segments along x: [slice, row, first column, one past the last] in turn, so
 * that any of the three planes is cut without unpacking the whole volume.
 */
export function toSegments(
  runs: readonly number[],
  columns: number,
  rows: number,
): Int32Array {
  const segments: number[] = [];
  eachRun(runs, (start, end) => {
    let from = start;
    while (from < end) {
      const line = Math.floor(from / columns);
      const to = Math.min(end, (line + 1) * columns);
      segments.push(Math.floor(line / rows), line % rows, from - line * columns, to - line * columns);
      from = to;
    }
  });
  return Int32Array.from(segments);
}

/** Heat: from clear over sky blue to white, 255 is 1.0. */
export function heatWords(values: Uint8Array): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(values.length);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    const share = value / 255;
    const red = Math.round(40 + 215 * share * share);
    const green = Math.round(110 + 145 * share);
    const blue = Math.round(200 + 55 * share);
    words[at] = ((value << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return words;
}
