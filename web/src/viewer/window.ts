/** The linear window of PS3.3 C.11.2.1.2.1 as a range and as a table. */
import type { Grey } from './picture.js';

export interface Range {
  /** At and below: black. */
  readonly lower: number;
  /** Above: white. */
  readonly upper: number;
}

export function rangeOfWindow(center: number, width: number): Range {
  const half = (Math.max(1, width) - 1) / 2;
  return { lower: center - 0.5 - half, upper: center - 0.5 + half };
}

function shade(value: number, range: Range, isInverted: boolean): number {
  const span = range.upper - range.lower;
  let share = span > 0 ? (value - range.lower) / span : value > range.upper ? 1 : 0;
  share = share < 0 ? 0 : share > 1 ? 1 : share;
  return Math.round(255 * (isInverted ? 1 - share : share));
}

const OPAQUE = 0xff000000;

/** Grey values to RGBA words; integers pass through a table of 65,536 shades. */
export function paintGrey(
  values: Grey,
  range: Range,
  isInverted: boolean,
  into: Uint32Array,
): void {
  if (values instanceof Float32Array) {
    for (let at = 0; at < values.length; at++) {
      const grey = shade(values[at] ?? 0, range, isInverted);
      into[at] = OPAQUE | (grey << 16) | (grey << 8) | grey;
    }
    return;
  }
  const table = shadesOf(values instanceof Int16Array, range, isInverted);
  for (let at = 0; at < values.length; at++) into[at] = table[(values[at] ?? 0) & 0xffff] ?? 0;
}

/** Shades as RGBA words for all 16-bit values, indexed by the value's bits. */
export function shadesOf(isSigned: boolean, range: Range, isInverted: boolean): Uint32Array {
  const table = new Uint32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const value = isSigned && bits > 32767 ? bits - 65536 : bits;
    const grey = shade(value, range, isInverted);
    table[bits] = OPAQUE | (grey << 16) | (grey << 8) | grey;
  }
  return table;
}

/** RGB bytes to RGBA words, brightness and contrast by the same window over 0..255. */
export function paintRgb(
  values: Uint8Array,
  range: Range,
  isInverted: boolean,
  into: Uint32Array,
): void {
  const table = new Uint8Array(256);
  for (let value = 0; value < 256; value++) table[value] = shade(value, range, isInverted);
  for (let at = 0, from = 0; at < into.length; at++, from += 3) {
    const red = table[values[from] ?? 0] ?? 0;
    const green = table[values[from + 1] ?? 0] ?? 0;
    const blue = table[values[from + 2] ?? 0] ?? 0;
    into[at] = OPAQUE | (blue << 16) | (green << 8) | red;
  }
}
