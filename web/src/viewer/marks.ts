/** A person's own marks: measurements and the outlines being adjusted, with handles to hold. */
import {
  changeDraft,
  currentImage,
  isSameImage,
  moveAnnotation,
  type Draft,
  type Scene,
  type SceneStore,
} from '../scene/index.js';
import {
  imagePx,
  scaleOf,
  toCanvas,
  toImage,
  type Affine2,
  type CanvasPx,
  type ImageView,
} from '../words/index.js';
import {
  BOX_HANDLES,
  handlePoint,
  handleVertices,
  isInside,
  moveRegion,
  pullContour,
  resizeBox,
  sidesOf,
} from './edit.js';
import type { Drag } from './gestures.js';
import { readAnnotation } from './measure.js';
import { svg } from './svg.js';

/** Half of what a finger and a mouse must hit: 24 px and more across. */
const HIT_PX = { touch: 18, mouse: 12 };
const HANDLE_GAP_PX = 26;
const PULL_REACH_PX = 40;

type Region = Draft['regions'][number];

export function drawMarks(group: SVGGElement, scene: Scene, image: ImageView, map: Affine2): void {
  group.replaceChildren(
    ...scene.annotations
      .filter((annotation) => isSameImage(annotation.image, image))
      .flatMap((annotation) => drawAnnotation(annotation, image, map)),
    ...(scene.draft?.regions ?? [])
      .filter((region) => isSameImage(region.image, image))
      .flatMap((region) => drawDraft(region, scene.draft?.trackingUid ?? '', map)),
  );
}

function drawAnnotation(
  annotation: Scene['annotations'][number],
  image: ImageView,
  map: Affine2,
): SVGElement[] {
  const points = annotation.points.map((point) => toCanvas(map, point));
  const line = svg('polyline', {
    class: 'ov-shape ov-person',
    'data-kind': annotation.kind,
    'data-annotation-id': annotation.id,
    points: points.map(({ x, y }) => `${x},${y}`).join(' '),
  });
  const ends = points.map(({ x, y }) => svg('circle', { class: 'ov-handle', cx: x, cy: y, r: 4 }));
  const reading = readAnnotation(annotation, image);
  const last = points.at(-1);
  if (reading === undefined || last === undefined) return [line, ...ends];
  const text = svg('text', { class: 'ov-label ov-person', x: last.x + 10, y: last.y - 8 });
  text.textContent = reading.note === '' ? reading.text : `${reading.text} · ${reading.note}`;
  return [line, ...ends, text];
}

function cornersOf(region: Region): number[][] {
  if (region.kind === 'contour') return region.points;
  const { left, top, right, bottom } = sidesOf(region);
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

function at(map: Affine2, point: readonly number[]): CanvasPx {
  return toCanvas(map, imagePx(point[0] ?? 0, point[1] ?? 0));
}

function drawDraft(region: Region, trackingUid: string, map: Affine2): SVGElement[] {
  const outline = svg('polygon', {
    class: 'ov-shape ov-person ov-draft',
    'data-kind': region.kind,
    'data-draft-of': trackingUid,
    points: cornersOf(region)
      .map((point) => at(map, point))
      .map(({ x, y }) => `${x},${y}`)
      .join(' '),
  });
  const handles = handlesOf(region, map).map(({ x, y }, index) =>
    svg('circle', { class: 'ov-handle', 'data-handle': index, cx: x, cy: y, r: 5 }),
  );
  return [outline, ...handles];
}

/** Which vertices of a contour have a handle; a box has its eight. */
function verticesOf(region: Region & { kind: 'contour' }, map: Affine2): number[] {
  return handleVertices(region.points, HANDLE_GAP_PX / Math.max(scaleOf(map), 1e-6));
}

function handlesOf(region: Region, map: Affine2): CanvasPx[] {
  return region.kind === 'box'
    ? BOX_HANDLES.map((handle) => at(map, handlePoint(region, handle)))
    : verticesOf(region, map).map((vertex) => at(map, region.points[vertex] ?? []));
}

/** Position of the nearest point within reach, -1 where there is none. */
function nearest(points: readonly CanvasPx[], to: CanvasPx, reach: number): number {
  const distances = points.map(({ x, y }) => Math.hypot(x - to.x, y - to.y));
  const least = Math.min(...distances);
  return least <= reach ? distances.indexOf(least) : -1;
}

/** The drag of a handle, or of a whole outline of the draft, that begins here. */
export function beginMark(
  store: SceneStore,
  map: Affine2,
  from: CanvasPx,
  isTouch: boolean,
): Drag | undefined {
  const scene = store.get();
  const image = currentImage(scene);
  if (image === undefined) return undefined;
  const reach = isTouch ? HIT_PX.touch : HIT_PX.mouse;
  return beginDraft(store, image, map, from, reach) ?? beginAnnotation(store, image, map, from, reach);
}

function beginDraft(
  store: SceneStore,
  image: ImageView,
  map: Affine2,
  from: CanvasPx,
  reach: number,
): Drag | undefined {
  const regions = store.get().draft?.regions ?? [];
  const here = regions
    .map((region, position) => ({ region, position }))
    .filter(({ region }) => isSameImage(region.image, image));
  for (const { region, position } of here) {
    const handle = nearest(handlesOf(region, map), from, reach);
    if (handle >= 0) {
      return editDrag(store, map, from, position, (columns, rows) =>
        pull(region, handle, columns, rows, image, map),
      );
    }
  }
  const point = toImage(map, from);
  if (point === undefined) return undefined;
  const held = here.find(({ region }) => isInside(cornersOf(region), point.column, point.row));
  if (held === undefined) return undefined;
  return editDrag(store, map, from, held.position, (columns, rows) =>
    moveRegion(held.region, columns, rows, image),
  );
}

function pull(
  region: Region,
  handle: number,
  columns: number,
  rows: number,
  image: ImageView,
  map: Affine2,
): Region {
  if (region.kind === 'box') {
    const held = BOX_HANDLES[handle];
    return held === undefined ? region : resizeBox(region, held, columns, rows, image);
  }
  const vertex = verticesOf(region, map)[handle] ?? 0;
  const reach = PULL_REACH_PX / Math.max(scaleOf(map), 1e-6);
  return pullContour(region, vertex, columns, rows, reach, image);
}

/** Each move starts from the region as it was when the drag began: nothing adds up. */
function editDrag(
  store: SceneStore,
  map: Affine2,
  from: CanvasPx,
  position: number,
  change: (columns: number, rows: number) => Region,
): Drag {
  const start = toImage(map, from);
  let isMoved = false;
  return {
    move(to) {
      const end = toImage(map, to);
      const regions = store.get().draft?.regions;
      if (start === undefined || end === undefined || regions === undefined) return;
      const changed = change(end.column - start.column, end.row - start.row);
      const next = regions.map((region, index) => (index === position ? changed : region));
      store.perform(changeDraft(next, isMoved));
      isMoved = true;
    },
    cancel() {
      if (isMoved) store.undo();
    },
  };
}

function beginAnnotation(
  store: SceneStore,
  image: ImageView,
  map: Affine2,
  from: CanvasPx,
  reach: number,
): Drag | undefined {
  for (const annotation of store.get().annotations) {
    if (!isSameImage(annotation.image, image)) continue;
    const points = annotation.points.map((point) => toCanvas(map, point));
    const held = nearest(points, from, reach);
    if (held < 0) continue;
    let isMoved = false;
    return {
      move(to) {
        const point = toImage(map, to);
        if (point === undefined) return;
        const next = annotation.points.map((old, index) => (index === held ? point : old));
        store.perform(moveAnnotation(annotation.id, next, isMoved));
        isMoved = true;
      },
      cancel() {
        if (isMoved) store.undo();
      },
    };
  }
  return undefined;
}

