/** Where an image lies on the viewport: one affine map from the scene, and nothing hidden. */
import type { Affine2, ImageView, PlaneView, Vector3 } from '../words/index.js';
import type { Scene } from '../scene/index.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How a picture is looked at, from the scene. */
export type View = Pick<
  Scene,
  'zoom' | 'pan' | 'rotationDegrees' | 'isFlippedHorizontally' | 'isFlippedVertically'
>;

/** Width and height of a pixel: millimetres where known, else squares of 1. */
export function pixelSizeOf(image: ImageView): Size {
  return image.plane === null
    ? { width: 1, height: 1 }
    : {
        width: image.plane.spacing_between_columns_mm,
        height: image.plane.spacing_between_rows_mm,
      };
}

/**
 * Image (SCOORD) to CSS pixels: the image fits at zoom 1, its centre lies `pan` off the viewport's
 * centre; flips act on the image's own axes, the rotation (clockwise as seen) comes after them.
 */
export function placeImage(
  columns: number,
  rows: number,
  pixel: Size,
  viewport: Size,
  view: View,
): Affine2 {
  const isTurned = view.rotationDegrees % 180 !== 0;
  const width = columns * pixel.width;
  const height = rows * pixel.height;
  const fit = Math.min(
    viewport.width / (isTurned ? height : width),
    viewport.height / (isTurned ? width : height),
  );
  const scale = fit * view.zoom;
  const across = scale * pixel.width * (view.isFlippedHorizontally ? -1 : 1);
  const along = scale * pixel.height * (view.isFlippedVertically ? -1 : 1);
  const [cos, sin] = TURNS[view.rotationDegrees];
  const a = cos * across;
  const b = sin * across;
  const c = -sin * along;
  const d = cos * along;
  return {
    a,
    b,
    c,
    d,
    e: viewport.width / 2 + view.pan[0] - (a * columns + c * rows) / 2,
    f: viewport.height / 2 + view.pan[1] - (b * columns + d * rows) / 2,
  };
}

/** Exact cosine and sine, so that a quarter turn leaves no 1e-17 behind. */
const TURNS: Record<Scene['rotationDegrees'], readonly [number, number]> = {
  0: [1, 0],
  90: [0, 1],
  180: [-1, 0],
  270: [0, -1],
};

/** The scene's pan that brings an image point to the viewport's middle at the present zoom. */
export function panToCentre(map: Affine2, columns: number, rows: number, column: number, row: number): [number, number] {
  const dc = columns / 2 - column;
  const dr = rows / 2 - row;
  return [map.a * dc + map.c * dr, map.b * dc + map.d * dr];
}

export interface EdgeLetters {
  readonly top: string;
  readonly right: string;
  readonly bottom: string;
  readonly left: string;
}

/** Letters for the edges of the viewport (PS3.3 C.7.6.1.1.1), from the cosines and the map. */
export function edgeLetters(plane: PlaneView, map: Affine2): EdgeLetters {
  const right = directionOnScreen(plane, map, 1, 0);
  const down = directionOnScreen(plane, map, 0, 1);
  return {
    right: letters(right),
    left: letters(negate(right)),
    bottom: letters(down),
    top: letters(negate(down)),
  };
}

function negate(vector: Vector3): Vector3 {
  return [-vector[0], -vector[1], -vector[2]];
}

/** The patient direction of a step on the screen. */
function directionOnScreen(plane: PlaneView, map: Affine2, x: number, y: number): Vector3 {
  const determinant = map.a * map.d - map.b * map.c;
  const column = ((map.d * x - map.c * y) / determinant) * plane.spacing_between_columns_mm;
  const row = ((map.a * y - map.b * x) / determinant) * plane.spacing_between_rows_mm;
  const at = (axis: number): number =>
    (plane.row_cosines[axis] ?? 0) * column + (plane.column_cosines[axis] ?? 0) * row;
  return [at(0), at(1), at(2)];
}

const AXES = [
  ['L', 'R'],
  ['P', 'A'],
  ['H', 'F'],
] as const;

/** A second letter is shown where the direction leans by more than about 20 degrees. */
const LEAN = 0.35;

/** The nearest patient directions of an LPS vector, strongest first: "L", "PH". */
export function letters(vector: Vector3): string {
  const length = Math.hypot(...vector);
  if (length === 0) return '';
  return AXES.map(([positive, negative], axis) => {
    const share = (vector[axis] ?? 0) / length;
    return { share: Math.abs(share), letter: share > 0 ? positive : negative };
  })
    .sort((one, other) => other.share - one.share)
    .filter(({ share }, position) => position === 0 || share > LEAN)
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join('');
}
