/** Which finding a tap means: the smallest outline around it, or the nearest line. */
import type { FindingRef, Scene } from '../scene/index.js';
import { scaleOf, toImage, type Affine2, type CanvasPx, type ImageView } from '../words/index.js';
import { isInside } from './edit.js';
import { shapesOn, type Outline } from './shapes.js';

const REACH_PX = { touch: 16, mouse: 8 };

export function findingAt(
  scene: Scene,
  image: ImageView,
  map: Affine2,
  at: CanvasPx,
  isTouch: boolean,
): FindingRef | undefined {
  const point = toImage(map, at);
  if (point === undefined) return undefined;
  const reach = (isTouch ? REACH_PX.touch : REACH_PX.mouse) / Math.max(scaleOf(map), 1e-6);
  const hits = shapesOn(scene, image)
    .outlines.map((outline) => ({ outline, extent: extentOf(outline) }))
    .filter(({ outline, extent }) =>
      outline.kind === 'contour'
        ? isInside(
            outline.points.map(({ column, row }) => [column, row]),
            point.column,
            point.row,
          )
        : point.column >= extent.left - reach &&
          point.column <= extent.right + reach &&
          point.row >= extent.top - reach &&
          point.row <= extent.bottom + reach,
    )
    .sort((one, other) => one.extent.area - other.extent.area);
  const hit = hits[0]?.outline;
  return hit === undefined
    ? undefined
    : { resultUid: hit.result.result_uid, trackingUid: hit.finding.tracking_uid };
}

function extentOf({ points }: Outline) {
  const columns = points.map(({ column }) => column);
  const rows = points.map(({ row }) => row);
  const [left, right] = [Math.min(...columns), Math.max(...columns)];
  const [top, bottom] = [Math.min(...rows), Math.max(...rows)];
  return { left, right, top, bottom, area: (right - left) * (bottom - top) };
}
