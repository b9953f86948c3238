/**
 * Where things are. Four frames, told apart by the compiler:
 *
 * - `ImagePx`: (column, row) of one image in the DICOM SCOORD convention: (0, 0) is the OUTER CORNER
 *   of the top-left pixel, its centre is (0.5, 0.5) (PS3.3 C.18.6.1.1).
 * - `IndexPx`: (column, row) with 0 at the CENTRE of the top-left pixel: arrays, Image Position
 *   (Patient) and Cornerstone count so. `toIndex` and `fromIndex` are the only crossing.
 * - `CanvasPx`: CSS pixels from the top-left corner of the viewport's element.
 * - `Lps`: millimetres in a frame of reference, left, posterior, superior.
 */
declare const frame: unique symbol;

export interface ImagePx {
  readonly column: number;
  readonly row: number;
  readonly [frame]: 'image';
}

export interface IndexPx {
  readonly column: number;
  readonly row: number;
  readonly [frame]: 'index';
}

export interface CanvasPx {
  readonly x: number;
  readonly y: number;
  readonly [frame]: 'canvas';
}

export interface Lps {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly [frame]: 'lps';
}

export type Vector3 = readonly [number, number, number];

export function imagePx(column: number, row: number): ImagePx {
  return { column, row } as ImagePx;
}

export function canvasPx(x: number, y: number): CanvasPx {
  return { x, y } as CanvasPx;
}

export function lps(x: number, y: number, z: number): Lps {
  return { x, y, z } as Lps;
}

/** From SCOORD (0 at the outer corner) to index (0 at the pixel's centre). */
export function toIndex(point: ImagePx): IndexPx {
  return { column: point.column - 0.5, row: point.row - 0.5 } as IndexPx;
}

/** From index (0 at the pixel's centre) to SCOORD (0 at the outer corner). */
export function fromIndex(column: number, row: number): ImagePx {
  return imagePx(column + 0.5, row + 0.5);
}
