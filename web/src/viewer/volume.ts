/** A regular grid of voxels, cut along its own axes into three planes: no interpolation, no WebGL. */
import {
  imagePx,
  lps,
  type ImagePx,
  type Lps,
  type PlaneView,
  type Vector3,
  type VolumeGrid,
} from '../words/index.js';
import type { Size } from './placement.js';

export interface Volume {
  /** Columns, rows, slices. */
  readonly size: Vector3;
  /** Millimetres between voxel centres along x, y and z of the grid. */
  readonly spacing: Vector3;
  /** The first voxel's centre, LPS. */
  readonly origin: Vector3;
  /** Unit vectors of the grid's x, y and z, LPS. */
  readonly axes: readonly [Vector3, Vector3, Vector3];
  readonly voxels: Int16Array;
  readonly note: string;
}

export type PlaneName = 'axial' | 'coronal' | 'sagittal';

/** A grid axis, walked up or down. */
export interface Walk {
  readonly axis: 0 | 1 | 2;
  readonly sign: 1 | -1;
}

export interface Cut {
  readonly name: PlaneName;
  /** To the right of the screen. */
  readonly across: Walk;
  /** Down the screen. */
  readonly down: Walk;
  /** The axis along which the plane moves. */
  readonly through: 0 | 1 | 2;
  readonly width: number;
  readonly height: number;
  readonly pixel: Size;
}

function vector(values: readonly number[] | undefined): Vector3 {
  return [values?.[0] ?? 0, values?.[1] ?? 0, values?.[2] ?? 0];
}

/** Throws `RangeError` where the voxels do not fill the grid. */
export function toVolume(grid: VolumeGrid, voxels: Int16Array): Volume {
  const size = vector(grid.dimensions);
  if (voxels.length !== size[0] * size[1] * size[2]) {
    throw new RangeError(
      `The grid has ${size.join(' by ')} voxels, but ${voxels.length} were sent.`,
    );
  }
  return {
    size,
    spacing: vector(grid.spacing_mm),
    origin: vector(grid.origin),
    axes: [vector(grid.directions[0]), vector(grid.directions[1]), vector(grid.directions[2])],
    voxels,
    note: grid.note,
  };
}

/** The three planes as a reader expects them: patient's left on the right, head up, face left. */
export function planCuts(volume: Volume): readonly [Cut, Cut, Cut] {
  const [left, posterior, superior] = gridAxes(volume);
  const down = (walk: Walk): Walk => ({ axis: walk.axis, sign: walk.sign === 1 ? -1 : 1 });
  return [
    makeCut(volume, 'axial', left, posterior, superior.axis),
    makeCut(volume, 'coronal', left, down(superior), posterior.axis),
    makeCut(volume, 'sagittal', posterior, down(superior), left.axis),
  ];
}

/** For each of L, P and S the grid axis nearest to it, each axis once. */
function gridAxes(volume: Volume): readonly [Walk, Walk, Walk] {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ] as const;
  const lean = (axis: 0 | 1 | 2, patient: 0 | 1 | 2): number => volume.axes[axis][patient];
  const fit = (order: (typeof orders)[number]): number =>
    Math.abs(lean(order[0], 0)) + Math.abs(lean(order[1], 1)) + Math.abs(lean(order[2], 2));
  const best = orders.reduce((one, other) => (fit(other) > fit(one) ? other : one));
  const walk = (patient: 0 | 1 | 2): Walk => ({
    axis: best[patient],
    sign: lean(best[patient], patient) < 0 ? -1 : 1,
  });
  return [walk(0), walk(1), walk(2)];
}

function makeCut(volume: Volume, name: PlaneName, across: Walk, down: Walk, through: 0 | 1 | 2): Cut {
  return {
    name,
    across,
    down,
    through,
    width: volume.size[across.axis],
    height: volume.size[down.axis],
    pixel: { width: volume.spacing[across.axis], height: volume.spacing[down.axis] },
  };
}

/** Grey values of the plane at `index` along `through`, row-major. */
export function cutGrey(volume: Volume, cut: Cut, index: number): Int16Array {
  const [columns, rows] = volume.size;
  const strides: Vector3 = [1, columns, columns * rows];
  const step = strides[cut.across.axis] * cut.across.sign;
  const line = strides[cut.down.axis] * cut.down.sign;
  const start =
    strides[cut.through] * index +
    (cut.across.sign < 0 ? strides[cut.across.axis] * (cut.width - 1) : 0) +
    (cut.down.sign < 0 ? strides[cut.down.axis] * (cut.height - 1) : 0);
  const grey = new Int16Array(cut.width * cut.height);
  for (let row = 0, to = 0; row < cut.height; row++) {
    let from = start + row * line;
    for (let column = 0; column < cut.width; column++, to++, from += step) {
      grey[to] = volume.voxels[from] ?? 0;
    }
  }
  return grey;
}

/** Paint a mask's segments (see `toSegments`) where they cross the plane. */
export function cutSegments(
  segments: Int32Array,
  cut: Cut,
  index: number,
  word: number,
  into: Uint32Array,
): void {
  const place = (walk: Walk, size: number, at: number): number =>
    walk.sign > 0 ? at : size - 1 - at;
  for (let at = 0; at < segments.length; at += 4) {
    const ends = [segments[at + 2] ?? 0, segments[at + 3] ?? 0] as const;
    const fixed: Record<0 | 1 | 2, number> = { 0: 0, 1: segments[at + 1] ?? 0, 2: segments[at] ?? 0 };
    if (cut.through === 0 ? index < ends[0] || index >= ends[1] : fixed[cut.through] !== index) {
      continue;
    }
    const from = cut.through === 0 ? index : ends[0];
    const to = cut.through === 0 ? index + 1 : ends[1];
    for (let x = from; x < to; x++) {
      fixed[0] = x;
      const column = place(cut.across, cut.width, fixed[cut.across.axis]);
      const row = place(cut.down, cut.height, fixed[cut.down.axis]);
      into[row * cut.width + column] = word;
    }
  }
}

/** Voxel position, 0 at the first voxel's centre, not rounded. */
export function toGrid(volume: Volume, point: Lps): Vector3 {
  const offset: Vector3 = [
    point.x - volume.origin[0],
    point.y - volume.origin[1],
    point.z - volume.origin[2],
  ];
  const along = (axis: 0 | 1 | 2): number => {
    const direction = volume.axes[axis];
    const millimetres =
      offset[0] * direction[0] + offset[1] * direction[1] + offset[2] * direction[2];
    return millimetres / volume.spacing[axis];
  };
  return [along(0), along(1), along(2)];
}

export function fromGrid(volume: Volume, at: Vector3): Lps {
  const step = (axis: 0 | 1 | 2, patient: 0 | 1 | 2): number =>
    at[axis] * volume.spacing[axis] * volume.axes[axis][patient];
  const part = (patient: 0 | 1 | 2): number =>
    volume.origin[patient] + step(0, patient) + step(1, patient) + step(2, patient);
  return lps(part(0), part(1), part(2));
}

/** Where a voxel position lies on the cut's picture (SCOORD: a voxel's centre is at .5). */
export function toCutPoint(cut: Cut, at: Vector3): ImagePx {
  const place = (walk: Walk, size: number): number =>
    walk.sign > 0 ? at[walk.axis] + 0.5 : size - 0.5 - at[walk.axis];
  return imagePx(place(cut.across, cut.width), place(cut.down, cut.height));
}

/** The voxel position under a point of the cut's picture; along `through` it stays. */
export function fromCutPoint(cut: Cut, point: ImagePx, through: number): Vector3 {
  const at: [number, number, number] = [through, through, through];
  at[cut.across.axis] =
    cut.across.sign > 0 ? point.column - 0.5 : cut.width - 0.5 - point.column;
  at[cut.down.axis] = cut.down.sign > 0 ? point.row - 0.5 : cut.height - 0.5 - point.row;
  return at;
}

/** The cut as an image plane, for the letters at its edges. */
export function planeOf(volume: Volume, cut: Cut): PlaneView {
  const cosines = (walk: Walk): number[] =>
    volume.axes[walk.axis].map((value) => value * walk.sign);
  return {
    position: [...volume.origin],
    row_cosines: cosines(cut.across),
    column_cosines: cosines(cut.down),
    spacing_between_rows_mm: cut.pixel.height,
    spacing_between_columns_mm: cut.pixel.width,
  };
}

export function clampToGrid(volume: Volume, at: Vector3): Vector3 {
  const clamp = (axis: 0 | 1 | 2): number =>
    Math.max(0, Math.min(volume.size[axis] - 1, at[axis]));
  return [clamp(0), clamp(1), clamp(2)];
}
