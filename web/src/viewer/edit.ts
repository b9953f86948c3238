/** Changing a person's outlines: plain functions from regions to regions. */
import type { BoxRegion, ContourRegion } from '../words/index.js';

export interface Bounds {
  readonly columns: number;
  readonly rows: number;
}

/** Which sides of a box a handle holds; both sides of neither axis: the whole box. */
export interface BoxHandle {
  readonly horizontal: 'left' | 'right' | 'none';
  readonly vertical: 'top' | 'bottom' | 'none';
}

export const BOX_HANDLES: readonly BoxHandle[] = [
  { horizontal: 'left', vertical: 'top' },
  { horizontal: 'none', vertical: 'top' },
  { horizontal: 'right', vertical: 'top' },
  { horizontal: 'right', vertical: 'none' },
  { horizontal: 'right', vertical: 'bottom' },
  { horizontal: 'none', vertical: 'bottom' },
  { horizontal: 'left', vertical: 'bottom' },
  { horizontal: 'left', vertical: 'none' },
];

const SMALLEST_BOX_PX = 1;

interface Sides {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export function sidesOf(box: BoxRegion): Sides {
  const [left = 0, top = 0] = box.top_left;
  const [right = 0, bottom = 0] = box.bottom_right;
  return { left, top, right, bottom };
}

/** Where a handle stands on its box. */
export function handlePoint(box: BoxRegion, handle: BoxHandle): [number, number] {
  const { left, top, right, bottom } = sidesOf(box);
  const column = { left, right, none: (left + right) / 2 }[handle.horizontal];
  const row = { top, bottom, none: (top + bottom) / 2 }[handle.vertical];
  return [column, row];
}

/** Move the sides that the handle holds; the box stays on the image and keeps its sides apart. */
export function resizeBox(
  box: BoxRegion,
  handle: BoxHandle,
  columns: number,
  rows: number,
  bounds: Bounds,
): BoxRegion {
  const sides = sidesOf(box);
  let { left, top, right, bottom } = sides;
  if (handle.horizontal === 'left') left = clamp(left + columns, 0, right - SMALLEST_BOX_PX);
  if (handle.horizontal === 'right') {
    right = clamp(right + columns, left + SMALLEST_BOX_PX, bounds.columns);
  }
  if (handle.vertical === 'top') top = clamp(top + rows, 0, bottom - SMALLEST_BOX_PX);
  if (handle.vertical === 'bottom') {
    bottom = clamp(bottom + rows, top + SMALLEST_BOX_PX, bounds.rows);
  }
  return { ...box, top_left: [left, top], bottom_right: [right, bottom] };
}

/** Move the whole region, kept on the image. */
export function moveRegion<Kind extends BoxRegion | ContourRegion>(
  region: Kind,
  columns: number,
  rows: number,
  bounds: Bounds,
): Kind {
  const points = region.kind === 'box' ? [region.top_left, region.bottom_right] : region.points;
  const xs = points.map((point) => point[0] ?? 0);
  const ys = points.map((point) => point[1] ?? 0);
  const dx = clamp(columns, -Math.min(...xs), bounds.columns - Math.max(...xs));
  const dy = clamp(rows, -Math.min(...ys), bounds.rows - Math.max(...ys));
  const shift = (point: number[]): number[] => [(point[0] ?? 0) + dx, (point[1] ?? 0) + dy];
  if (region.kind === 'box') {
    return { ...region, top_left: shift(region.top_left), bottom_right: shift(region.bottom_right) };
  }
  return { ...region, points: region.points.map(shift) };
}

/**
 * Pull one vertex of a contour; its neighbours follow, less the further they lie along the outline
 * (a raised cosine over `reach` pixels), so that a smooth outline stays smooth.
 */
export function pullContour(
  contour: ContourRegion,
  vertex: number,
  columns: number,
  rows: number,
  reach: number,
  bounds: Bounds,
): ContourRegion {
  const along = distancesAlong(contour.points, vertex);
  const points = contour.points.map((point, index) => {
    const distance = along[index] ?? Infinity;
    const weight = distance >= reach ? 0 : (1 + Math.cos((Math.PI * distance) / reach)) / 2;
    const share = index === vertex ? 1 : weight;
    return [
      clamp((point[0] ?? 0) + columns * share, 0, bounds.columns),
      clamp((point[1] ?? 0) + rows * share, 0, bounds.rows),
    ];
  });
  return { ...contour, points };
}

/** Distance of each vertex from one of them along the closed outline, the shorter way round. */
function distancesAlong(points: readonly number[][], from: number): number[] {
  const steps = points.map((point, index) => {
    const next = points[(index + 1) % points.length] ?? point;
    return Math.hypot((next[0] ?? 0) - (point[0] ?? 0), (next[1] ?? 0) - (point[1] ?? 0));
  });
  const total = steps.reduce((sum, step) => sum + step, 0);
  const distances = new Array<number>(points.length).fill(0);
  let travelled = 0;
  for (let step = 0; step < points.length; step++) {
    const index = (from + step) % points.length;
    distances[index] = Math.min(travelled, total - travelled);
    travelled += steps[index] ?? 0;
  }
  return distances;
}

/** Vertices spaced at least `gap` apart along the outline: the ones that get a handle. */
export function handleVertices(points: readonly number[][], gap: number): number[] {
  const chosen: number[] = [];
  let travelled = Infinity;
  for (let index = 0; index < points.length; index++) {
    const point = points[index] ?? [];
    const before = points[index - 1] ?? point;
    travelled += Math.hypot((point[0] ?? 0) - (before[0] ?? 0), (point[1] ?? 0) - (before[1] ?? 0));
    if (travelled >= gap) {
      chosen.push(index);
      travelled = 0;
    }
  }
  return chosen;
}

/** Whether a point lies inside a closed polygon (even and odd crossings). */
export function isInside(points: readonly number[][], column: number, row: number): boolean {
  let inside = false;
  for (let index = 0; index < points.length; index++) {
    const [x1 = 0, y1 = 0] = points[index] ?? [];
    const [x2 = 0, y2 = 0] = points[(index + 1) % points.length] ?? [];
    if (y1 > row !== y2 > row && column < ((x2 - x1) * (row - y1)) / (y2 - y1) + x1) {
      inside = !inside;
    }
  }
  return inside;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(Math.max(low, high), value));
}
