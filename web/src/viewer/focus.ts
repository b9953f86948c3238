/** Where a finding lies, for jumping to it. */
import { isSameImage } from '../scene/index.js';
import { imagePx, type Finding, type ImagePx, type ImageRef, type Region } from '../words/index.js';
import { eachRun } from './runs.js';
import { imagesOf, pointsOf } from './shapes.js';

/** The image to stand on: the key image, else the first that a region touches. */
export function imageOf(finding: Finding): ImageRef | undefined {
  return finding.key_image ?? finding.regions.flatMap(imagesOf)[0];
}

/** The middle of the finding's extent on one image; undefined where it does not touch it. */
export function middleOn(finding: Finding, image: ImageRef): ImagePx | undefined {
  const points = finding.regions.flatMap((region) => extentOn(region, image));
  if (points.length === 0) return undefined;
  const columns = points.map(({ column }) => column);
  const rows = points.map(({ row }) => row);
  return imagePx(
    (Math.min(...columns) + Math.max(...columns)) / 2,
    (Math.min(...rows) + Math.max(...rows)) / 2,
  );
}

function extentOn(region: Region, image: ImageRef): ImagePx[] {
  if (region.kind === 'mask') {
    return region.slices
      .filter((slice) => isSameImage(slice.image, image))
      .flatMap((slice) => extentOfRuns(slice.runs, slice.columns));
  }
  if (region.kind === 'heatmap') {
    return region.slices
      .filter((slice) => isSameImage(slice.image, image))
      .map((slice) => imagePx(slice.columns / 2, slice.rows / 2));
  }
  return isSameImage(region.image, image) ? pointsOf(region) : [];
}

function extentOfRuns(runs: readonly number[], columns: number): ImagePx[] {
  let left = Infinity;
  let right = -Infinity;
  let top = Infinity;
  let bottom = -Infinity;
  eachRun(runs, (start, end) => {
    const first = Math.floor(start / columns);
    const last = Math.floor((end - 1) / columns);
    top = Math.min(top, first);
    bottom = Math.max(bottom, last + 1);
    left = Math.min(left, first === last ? start % columns : 0);
    right = Math.max(right, first === last ? ((end - 1) % columns) + 1 : columns);
  });
  return left > right ? [] : [imagePx(left, top), imagePx(right, bottom)];
}
