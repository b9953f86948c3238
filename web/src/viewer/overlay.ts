/**
 * Our own layer above the picture: one affine map places all of it. Outlines are SVG in image
 * coordinates under a single `matrix`, masks are drawn on a canvas under the same map.
 */
import type { Scene } from '../scene/index.js';
import { toCanvas, toSvgMatrix, type Affine2, type ImageView, type Region } from '../words/index.js';
import { placeLabels, type Label } from './labels.js';
import type { Size } from './placement.js';
import { heatWords, maskWords } from './runs.js';
import { labelOf, shapesOn, type Fill, type Outline, type Shapes, type Voice } from './shapes.js';
import { svg } from './svg.js';

const NARROW_PX = 560;

export interface Overlay {
  readonly root: SVGSVGElement;
  /** Group for a person's marks and handles, in CSS pixels, above the AI's. */
  readonly front: SVGGElement;
  draw(scene: Scene, image: ImageView, map: Affine2, size: Size): void;
  /** Nothing at all: no picture is shown. */
  clear(): void;
  resize(size: Size): void;
  dispose(): void;
}

export function createOverlay(parent: HTMLElement): Overlay {
  const canvas = document.createElement('canvas');
  canvas.className = 'ov-fills';
  const root = svg('svg', { class: 'ov-overlay', 'data-overlay': '' });
  const outlines = svg('g', { class: 'ov-outlines' });
  const labels = svg('g', { class: 'ov-labels' });
  const front = svg('g', { class: 'ov-front' });
  root.append(outlines, labels, front);
  parent.append(canvas, root);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser gives no 2D canvas.');
  let built: { key: readonly unknown[]; shapes: Shapes } | undefined;
  let dpr = 1;

  /** Shapes are built again only when what is claimed or where one stands changed. */
  function shapesFor(scene: Scene, image: ImageView): Shapes {
    const key = [image, scene.results, scene.ai, scene.selected, scene.draft?.trackingUid];
    if (built !== undefined && key.every((part, at) => part === built?.key[at])) return built.shapes;
    const shapes = shapesOn(scene, image);
    outlines.replaceChildren(...shapes.outlines.map(toElement));
    built = { key, shapes };
    return shapes;
  }

  function drawFills(fills: readonly Fill[], map: Affine2, opacity: number): void {
    if (context === null) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(
      map.a * dpr,
      map.b * dpr,
      map.c * dpr,
      map.d * dpr,
      map.e * dpr,
      map.f * dpr,
    );
    context.globalAlpha = opacity;
    for (const fill of fills) {
      // A mask's edge is a pixel's edge; heat is a smooth field.
      context.imageSmoothingEnabled = fill.kind === 'heatmap';
      context.drawImage(bitmapOf(fill), 0, 0);
    }
  }

  return {
    root,
    front,
    draw(scene, image, map, size) {
      const shapes = shapesFor(scene, image);
      outlines.setAttribute('transform', toSvgMatrix(map));
      drawFills(shapes.fills, map, scene.ai.opacity);
      drawLabels(labels, shapes.outlines, map, size);
    },
    clear() {
      built = undefined;
      outlines.replaceChildren();
      labels.replaceChildren();
      front.replaceChildren();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
    },
    resize(size) {
      dpr = window.devicePixelRatio || 1;
      canvas.width = Math.max(1, Math.round(size.width * dpr));
      canvas.height = Math.max(1, Math.round(size.height * dpr));
    },
    dispose() {
      canvas.remove();
      root.remove();
    },
  };
}

function toElement(outline: Outline): SVGElement {
  const attributes = {
    class: `ov-shape ov-${outline.voice}${outline.isSelected ? ' ov-selected' : ''}`,
    'data-kind': outline.kind,
    'data-voice': outline.voice,
    'data-tracking-uid': outline.finding.tracking_uid,
    'data-result-uid': outline.result.result_uid,
    'vector-effect': 'non-scaling-stroke',
  };
  const [first, second, third] = outline.points;
  if (outline.kind === 'box' && first !== undefined && third !== undefined) {
    return svg('rect', {
      ...attributes,
      x: first.column,
      y: first.row,
      width: third.column - first.column,
      height: third.row - first.row,
    });
  }
  if (outline.kind === 'line' && first !== undefined && second !== undefined) {
    return svg('line', {
      ...attributes,
      x1: first.column,
      y1: first.row,
      x2: second.column,
      y2: second.row,
    });
  }
  return svg('polygon', {
    ...attributes,
    points: outline.points.map(({ column, row }) => `${column},${row}`).join(' '),
  });
}

/** Unpacked once for each mask slice, kept as long as its result is. */
const bitmaps = new WeakMap<Region, Map<number, HTMLCanvasElement>>();

function bitmapOf(fill: Fill): HTMLCanvasElement {
  const kept = bitmaps.get(fill.region) ?? new Map<number, HTMLCanvasElement>();
  bitmaps.set(fill.region, kept);
  const before = kept.get(fill.slice);
  if (before !== undefined) return before;
  const bitmap = document.createElement('canvas');
  const { columns, rows, words } = wordsOf(fill);
  bitmap.width = columns;
  bitmap.height = rows;
  bitmap
    .getContext('2d')
    ?.putImageData(new ImageData(new Uint8ClampedArray(words.buffer), columns, rows), 0, 0);
  kept.set(fill.slice, bitmap);
  return bitmap;
}

function wordsOf(fill: Fill): { columns: number; rows: number; words: Uint32Array<ArrayBuffer> } {
  if (fill.region.kind === 'mask') {
    const slice = fill.region.slices[fill.slice];
    const columns = slice?.columns ?? 1;
    const rows = slice?.rows ?? 1;
    return { columns, rows, words: maskWords(slice?.runs ?? [], columns * rows, fill.finding.color_rgb) };
  }
  const slice = fill.region.slices[fill.slice];
  const columns = slice?.columns ?? 1;
  const rows = slice?.rows ?? 1;
  const values = Uint8Array.from(atob(slice?.values ?? ''), (letter) => letter.charCodeAt(0));
  return { columns, rows, words: heatWords(values) };
}

/** One label for each finding on the image, outside its outlines, with a leader. */
function drawLabels(
  group: SVGGElement,
  outlines: readonly Outline[],
  map: Affine2,
  size: Size,
): void {
  const isNarrow = size.width < NARROW_PX;
  const wanted = new Map<string, Label & { voice: Voice; isSelected: boolean }>();
  for (const outline of outlines) {
    if (outline.voice === 'person') continue;
    const uid = outline.finding.tracking_uid;
    const before = wanted.get(uid);
    const points = outline.points.map((point) => toCanvas(map, point));
    const xs = points.map(({ x }) => x);
    const ys = points.map(({ y }) => y);
    wanted.set(uid, {
      key: uid,
      text: labelOf(outline.finding, outline.voice, isNarrow),
      voice: outline.voice,
      isSelected: outline.isSelected,
      left: Math.min(before?.left ?? Infinity, ...xs),
      right: Math.max(before?.right ?? -Infinity, ...xs),
      top: Math.min(before?.top ?? Infinity, ...ys),
      bottom: Math.max(before?.bottom ?? -Infinity, ...ys),
    });
  }
  group.replaceChildren(
    ...placeLabels([...wanted.values()], size).flatMap((placed) => {
      const about = wanted.get(placed.key);
      const look = `ov-${about?.voice ?? 'ai'}${about?.isSelected === true ? ' ov-selected' : ''}`;
      const leader = svg('line', {
        class: `ov-leader ${look}`,
        x1: placed.from.x,
        y1: placed.from.y,
        x2: placed.to.x,
        y2: placed.to.y,
      });
      const text = svg('text', {
        class: `ov-label ${look}`,
        x: placed.text.x,
        y: placed.text.y,
        'text-anchor': placed.anchor,
        'data-label-of': placed.key,
      });
      text.textContent = about?.text ?? '';
      return [leader, text];
    }),
  );
}

