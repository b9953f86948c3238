/** From one image into the patient and back (PS3.3 equation C.7.6.2.1-1). */
import { fromIndex, lps, toIndex, type ImagePx, type Lps, type PlaneView } from '../words/index.js';

function component(vector: readonly number[], axis: number): number {
  return vector[axis] ?? 0;
}

export function toPatient(plane: PlaneView, point: ImagePx): Lps {
  const { column, row } = toIndex(point);
  const at = (axis: number): number =>
    component(plane.position, axis) +
    component(plane.row_cosines, axis) * column * plane.spacing_between_columns_mm +
    component(plane.column_cosines, axis) * row * plane.spacing_between_rows_mm;
  return lps(at(0), at(1), at(2));
}

/** The foot of a patient point on the image's plane, and its distance from it in millimetres. */
export function toPlane(plane: PlaneView, point: Lps): { foot: ImagePx; distanceMm: number } {
  const offset = [
    point.x - component(plane.position, 0),
    point.y - component(plane.position, 1),
    point.z - component(plane.position, 2),
  ];
  const along = (direction: readonly number[]): number =>
    offset.reduce((sum, value, axis) => sum + value * component(direction, axis), 0);
  const [rx, ry, rz] = [0, 1, 2].map((axis) => component(plane.row_cosines, axis));
  const [cx, cy, cz] = [0, 1, 2].map((axis) => component(plane.column_cosines, axis));
  const normal = [
    (ry ?? 0) * (cz ?? 0) - (rz ?? 0) * (cy ?? 0),
    (rz ?? 0) * (cx ?? 0) - (rx ?? 0) * (cz ?? 0),
    (rx ?? 0) * (cy ?? 0) - (ry ?? 0) * (cx ?? 0),
  ];
  return {
    foot: fromIndex(
      along(plane.row_cosines) / plane.spacing_between_columns_mm,
      along(plane.column_cosines) / plane.spacing_between_rows_mm,
    ),
    distanceMm: Math.abs(along(normal)),
  };
}
