/** Labels stand outside what they name, on the side with more room, and never on one another. */
import { canvasPx, type CanvasPx } from '../words/index.js';
import type { Size } from './placement.js';

export interface Label {
  readonly key: string;
  readonly text: string;
  /** What is named, in CSS pixels. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface PlacedLabel {
  readonly key: string;
  /** The leader, from the outline to the text. */
  readonly from: CanvasPx;
  readonly to: CanvasPx;
  readonly text: CanvasPx;
  readonly anchor: 'start' | 'end';
}

const LINE_PX = 18;
const LEADER_PX = 18;
const GAP_PX = 4;
const EDGE_PX = 30;
/** Mean width of a character at 12 px; labels are measured so, not laid out twice. */
const CHARACTER_PX = 6.4;

export function placeLabels(labels: readonly Label[], size: Size): PlacedLabel[] {
  const taken: Record<'start' | 'end', number[]> = { start: [], end: [] };
  return [...labels]
    .sort((one, other) => one.top + one.bottom - other.top - other.bottom)
    .filter(
      ({ left, right, top, bottom }) =>
        right > 0 && left < size.width && bottom > 0 && top < size.height,
    )
    .map((label) => {
      const width = label.text.length * CHARACTER_PX;
      const roomRight = size.width - EDGE_PX - label.right;
      const isRight = roomRight >= width + LEADER_PX || roomRight >= label.left - EDGE_PX;
      const anchor = isRight ? 'start' : 'end';
      const middle = clamp((label.top + label.bottom) / 2, EDGE_PX, size.height - EDGE_PX);
      const y = freeLine(middle, taken[anchor]);
      taken[anchor].push(y);
      const edge = isRight ? label.right : label.left;
      const side = isRight ? 1 : -1;
      const wanted = edge + side * (LEADER_PX + GAP_PX);
      const x = isRight
        ? Math.max(EDGE_PX, Math.min(wanted, size.width - EDGE_PX - width))
        : Math.min(size.width - EDGE_PX, Math.max(wanted, EDGE_PX + width));
      return {
        key: label.key,
        from: canvasPx(edge, middle),
        to: canvasPx(x - side * GAP_PX, y),
        text: canvasPx(x, y + 4),
        anchor,
      };
    });
}

function freeLine(wanted: number, taken: readonly number[]): number {
  let y = wanted;
  for (const line of [...taken].sort((one, other) => one - other)) {
    if (Math.abs(line - y) < LINE_PX) y = line + LINE_PX;
  }
  return y;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
