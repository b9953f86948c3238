import { canvasPx, imagePx, type CanvasPx, type ImagePx } from './coordinates.js';

/**
 * A plane affine map, in the order of CSS and SVG `matrix(a, b, c, d, e, f)`:
 * x' = a·x + c·y + e, y' = b·x + d·y + f.
 */
export interface Affine2 {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export const IDENTITY: Affine2 = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };

/** The map that sends image (0, 0), (width, 0) and (0, height) to the three given canvas points. */
export function affineFromThreePoints(
  width: number,
  height: number,
  origin: CanvasPx,
  right: CanvasPx,
  down: CanvasPx,
): Affine2 {
  return {
    a: (right.x - origin.x) / width,
    b: (right.y - origin.y) / width,
    c: (down.x - origin.x) / height,
    d: (down.y - origin.y) / height,
    e: origin.x,
    f: origin.y,
  };
}

export function toCanvas(map: Affine2, point: ImagePx): CanvasPx {
  return canvasPx(
    map.a * point.column + map.c * point.row + map.e,
    map.b * point.column + map.d * point.row + map.f,
  );
}

/** The inverse of `toCanvas`; undefined where the map is flat (a viewport without size). */
export function toImage(map: Affine2, point: CanvasPx): ImagePx | undefined {
  const determinant = map.a * map.d - map.b * map.c;
  if (Math.abs(determinant) < 1e-12) return undefined;
  const x = point.x - map.e;
  const y = point.y - map.f;
  return imagePx(
    (map.d * x - map.c * y) / determinant,
    (map.a * y - map.b * x) / determinant,
  );
}

/** CSS pixels that one image pixel covers, the geometric mean of both axes. */
export function scaleOf(map: Affine2): number {
  return Math.sqrt(Math.abs(map.a * map.d - map.b * map.c));
}

export function toSvgMatrix(map: Affine2): string {
  return `matrix(${map.a} ${map.b} ${map.c} ${map.d} ${map.e} ${map.f})`;
}
