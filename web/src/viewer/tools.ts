/** What one finger, or the mouse's button, does under each tool. */
import {
  addAnnotation,
  currentImage,
  isSameImage,
  moveAnnotation,
  panBy,
  goToIndex,
  setWindow,
  zoomBy,
  type Annotation,
  type SceneStore,
  type Tool,
} from '../scene/index.js';
import type { CanvasPx, ImagePx } from '../words/index.js';
import type { Drag } from './gestures.js';
import type { Size } from './placement.js';

export interface ToolRoom {
  readonly store: SceneStore;
  readonly size: () => Size;
  readonly toImage: (point: CanvasPx) => ImagePx | undefined;
}

const MIDDLE_BUTTON = 1;
const RIGHT_BUTTON = 2;
/** A drag over this many pixels doubles the window or the zoom. */
const DOUBLING_PX = 150;
const SLICE_PX = { least: 3, most: 24 };

let annotations = 0;

export function beginTool(room: ToolRoom, at: CanvasPx, button: number): Drag | undefined {
  const tool: Tool =
    button === MIDDLE_BUTTON ? 'pan' : button === RIGHT_BUTTON ? 'zoom' : room.store.get().tool;
  switch (tool) {
    case 'scroll':
      return scroll(room, at);
    case 'window':
      return window(room, at);
    case 'pan':
      return pan(room, at);
    case 'zoom':
      return zoom(room, at);
    case 'length':
      return length(room, at);
    case 'angle':
      return angle(room, at);
  }
}

function scroll({ store, size }: ToolRoom, from: CanvasPx): Drag {
  const scene = store.get();
  const count = scene.series?.images.length ?? 1;
  const step = Math.min(SLICE_PX.most, Math.max(SLICE_PX.least, size().height / count));
  return { move: (to) => store.perform(goToIndex(scene.index + Math.trunc((to.y - from.y) / step))) };
}

function window({ store }: ToolRoom, from: CanvasPx): Drag {
  const { center, width } = store.get().window;
  return {
    move: (to) =>
      store.perform(
        setWindow(
          center + ((to.y - from.y) * width) / DOUBLING_PX / 2,
          width * 2 ** ((to.x - from.x) / DOUBLING_PX),
        ),
      ),
  };
}

function pan({ store }: ToolRoom, from: CanvasPx): Drag {
  let last = from;
  return {
    move(to) {
      store.perform(panBy(to.x - last.x, to.y - last.y));
      last = to;
    },
  };
}

function zoom({ store, size }: ToolRoom, from: CanvasPx): Drag {
  let last = from;
  const { width, height } = size();
  const about: [number, number] = [from.x - width / 2, from.y - height / 2];
  return {
    move(to) {
      store.perform(zoomBy(2 ** ((last.y - to.y) / DOUBLING_PX), about));
      last = to;
    },
  };
}

/** Grow a new annotation; taking it back is one undo. */
function grow(room: ToolRoom, kind: Annotation['kind'], first: ImagePx): Drag | undefined {
  const image = currentImage(room.store.get());
  if (image === undefined) return undefined;
  annotations += 1;
  const id = `annotation-${annotations}`;
  let isPlaced = false;
  return {
    move(to) {
      const point = room.toImage(to);
      if (point === undefined) return;
      if (isPlaced) {
        room.store.perform(moveAnnotation(id, [first, point], true));
        return;
      }
      const { sop_instance_uid, frame } = image;
      room.store.perform(
        addAnnotation({ id, kind, image: { sop_instance_uid, frame }, points: [first, point] }),
      );
      isPlaced = true;
    },
    cancel() {
      if (isPlaced) room.store.undo();
    },
  };
}

function length(room: ToolRoom, at: CanvasPx): Drag | undefined {
  const first = room.toImage(at);
  return first === undefined ? undefined : grow(room, 'length', first);
}

/** The first drag draws one arm and the corner, the second one the other arm. */
function angle(room: ToolRoom, at: CanvasPx): Drag | undefined {
  const scene = room.store.get();
  const image = currentImage(scene);
  const last = scene.annotations.at(-1);
  const point = room.toImage(at);
  if (image === undefined || point === undefined) return undefined;
  const isOpen =
    last?.kind === 'angle' && last.points.length === 2 && isSameImage(last.image, image);
  if (!isOpen) return grow(room, 'angle', point);
  const [first, corner] = last.points;
  if (first === undefined || corner === undefined) return undefined;
  let isMoved = false;
  return {
    move(to) {
      const third = room.toImage(to);
      if (third === undefined) return;
      room.store.perform(moveAnnotation(last.id, [first, corner, third], isMoved));
      isMoved = true;
    },
    cancel() {
      if (isMoved) room.store.undo();
    },
  };
}
