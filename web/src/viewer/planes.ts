/** Three planes of one volume on 2D canvases, with one crosshair. */
import {
  currentImage,
  isAiShown,
  panBy,
  setCrosshair,
  setWindow,
  zoomBy,
  type Scene,
  type SceneStore,
} from '../scene/index.js';
import { toCanvas, toImage, type Affine2, type CanvasPx, type Vector3 } from '../words/index.js';
import { createGestures, type Drag } from './gestures.js';
import { edgeLetters, placeImage, type Size } from './placement.js';
import { chipOf } from './shapes.js';
import { html, svg } from './svg.js';
import {
  clampToGrid,
  cutGrey,
  cutSegments,
  fromCutPoint,
  fromGrid,
  planCuts,
  planeOf,
  toCutPoint,
  toGrid,
  type Cut,
  type Volume,
} from './volume.js';
import { paintGrey, rangeOfWindow } from './window.js';

export interface VolumeMask {
  readonly trackingUid: string;
  readonly color: readonly number[];
  /** See `toSegments`. */
  readonly segments: Int32Array;
}

export interface Planes {
  readonly root: HTMLElement;
  setMasks(masks: readonly VolumeMask[]): void;
  draw(scene: Scene): void;
  dispose(): void;
}

const UPRIGHT = {
  rotationDegrees: 0,
  isFlippedHorizontally: false,
  isFlippedVertically: false,
} as const;
const DOUBLING_PX = 150;

export function createPlanes(parent: HTMLElement, store: SceneStore, volume: Volume): Planes {
  const root = html('div', 'ov-planes');
  root.setAttribute('data-planes', '');
  parent.append(root);
  const panes = planCuts(volume).map((cut) => createPane(root, store, volume, cut));
  const chip = html('div', 'ov-plane-chip');
  chip.setAttribute('data-ai-chip', '');
  root.append(chip);
  return {
    root,
    setMasks(masks) {
      for (const pane of panes) pane.masks = masks;
    },
    draw(scene) {
      const image = currentImage(scene);
      chip.textContent = image === undefined ? '' : chipOf(scene, image);
      for (const pane of panes) pane.draw(scene);
    },
    dispose() {
      for (const pane of panes) pane.dispose();
      root.remove();
    },
  };
}

interface Pane {
  masks: readonly VolumeMask[];
  draw(scene: Scene): void;
  dispose(): void;
}

function createPane(parent: HTMLElement, store: SceneStore, volume: Volume, cut: Cut): Pane {
  const root = html('div', 'ov-plane');
  root.setAttribute('data-plane', cut.name);
  const canvas = document.createElement('canvas');
  const cross = svg('svg');
  const name = html('div', 'ov-plane-name');
  const note = html('div', 'ov-plane-note', volume.note);
  root.append(canvas, cross, name, note);
  parent.append(root);
  const picture = layer(cut);
  const masked = layer(cut);
  let map: Affine2 | undefined;

  function here(): Vector3 {
    const { crosshair } = store.get();
    return crosshair === null ? middle(volume) : toGrid(volume, crosshair);
  }

  function stand(at: Vector3): void {
    store.perform(setCrosshair(fromGrid(volume, clampToGrid(volume, at))));
  }

  function pointAt(to: CanvasPx): void {
    const point = map === undefined ? undefined : toImage(map, to);
    if (point !== undefined) stand(fromCutPoint(cut, point, here()[cut.through]));
  }

  const stop = createGestures(root, store, {
    begin: (from, _isTouch, button) => beginPlane(store, from, button, pointAt),
    tap: pointAt,
    scroll(steps) {
      const at: [number, number, number] = [...here()];
      at[cut.through] = Math.round(at[cut.through]) + steps;
      stand(at);
    },
  });

  const pane: Pane = {
    masks: [],
    draw(scene) {
      const size: Size = { width: root.clientWidth, height: root.clientHeight };
      if (size.width === 0 || size.height === 0) return;
      const at = clampToGrid(volume, here());
      const index = Math.round(at[cut.through]);
      map = placeImage(cut.width, cut.height, cut.pixel, size, { ...UPRIGHT, zoom: scene.zoom, pan: scene.pan });
      const { lower, upper } = rangeOfWindow(scene.window.center, scene.window.width);
      paintGrey(cutGrey(volume, cut, index), { lower, upper }, scene.isInverted, picture.words);
      picture.put();
      masked.words.fill(0);
      if (isAiShown(scene)) paintMasks(pane.masks, scene, cut, index, masked.words);
      masked.put();
      compose(canvas, size, map, picture.canvas, masked.canvas, scene.ai.opacity);
      drawCross(cross, toCanvas(map, toCutPoint(cut, at)), size);
      const letters = edgeLetters(planeOf(volume, cut), map);
      const title = cut.name.charAt(0).toUpperCase() + cut.name.slice(1);
      name.textContent = `${title} ${index + 1}/${volume.size[cut.through]} · ${letters.left}–${letters.right}`;
    },
    dispose() {
      stop();
      root.remove();
    },
  };
  return pane;
}

function middle(volume: Volume): Vector3 {
  return [(volume.size[0] - 1) / 2, (volume.size[1] - 1) / 2, (volume.size[2] - 1) / 2];
}

/** Window, zoom and pan as on the stack; every other tool moves the crosshair. */
function beginPlane(
  store: SceneStore,
  from: CanvasPx,
  button: number,
  pointAt: (to: CanvasPx) => void,
): Drag {
  const { tool, window } = store.get();
  let last = from;
  const follow = (act: (to: CanvasPx) => void): Drag => ({
    move(to) {
      act(to);
      last = to;
    },
  });
  if (button === 1 || tool === 'pan') {
    return follow((to) => store.perform(panBy(to.x - last.x, to.y - last.y)));
  }
  if (button === 2 || tool === 'zoom') {
    return follow((to) => store.perform(zoomBy(2 ** ((last.y - to.y) / DOUBLING_PX))));
  }
  if (tool === 'window') {
    return follow((to) =>
      store.perform(
        setWindow(
          window.center + ((to.y - from.y) * window.width) / DOUBLING_PX / 2,
          window.width * 2 ** ((to.x - from.x) / DOUBLING_PX),
        ),
      ),
    );
  }
  return follow(pointAt);
}

interface Layer {
  readonly canvas: HTMLCanvasElement;
  readonly words: Uint32Array;
  put(): void;
}

function layer(cut: Cut): Layer {
  const canvas = document.createElement('canvas');
  canvas.width = cut.width;
  canvas.height = cut.height;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser gives no 2D canvas.');
  const image = context.createImageData(cut.width, cut.height);
  return {
    canvas,
    words: new Uint32Array(image.data.buffer),
    put: () => context.putImageData(image, 0, 0),
  };
}

function paintMasks(
  masks: readonly VolumeMask[],
  scene: Scene,
  cut: Cut,
  index: number,
  into: Uint32Array,
): void {
  for (const { trackingUid, color, segments } of masks) {
    if (scene.ai.hidden.has(trackingUid)) continue;
    const [red = 86, green = 180, blue = 233] = color;
    cutSegments(segments, cut, index, (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0, into);
  }
}

function compose(
  canvas: HTMLCanvasElement,
  size: Size,
  map: Affine2,
  picture: HTMLCanvasElement,
  masked: HTMLCanvasElement,
  opacity: number,
): void {
  const dpr = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(size.width * dpr));
  const height = Math.max(1, Math.round(size.height * dpr));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.setTransform(map.a * dpr, map.b * dpr, map.c * dpr, map.d * dpr, map.e * dpr, map.f * dpr);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0);
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = false;
  context.drawImage(masked, 0, 0);
  context.globalAlpha = 1;
  context.imageSmoothingEnabled = true;
}

/** Room around the crossing is left free: what is pointed at is not covered. */
const CROSS_GAP_PX = 12;

function drawCross(root: SVGSVGElement, at: CanvasPx, size: Size): void {
  const arm = (x1: number, y1: number, x2: number, y2: number): SVGElement =>
    svg('line', { class: 'ov-cross', x1, y1, x2, y2 });
  root.replaceChildren(
    arm(0, at.y, at.x - CROSS_GAP_PX, at.y),
    arm(at.x + CROSS_GAP_PX, at.y, size.width, at.y),
    arm(at.x, 0, at.x, at.y - CROSS_GAP_PX),
    arm(at.x, at.y + CROSS_GAP_PX, at.x, size.height),
  );
}
