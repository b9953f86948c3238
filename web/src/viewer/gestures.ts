/**
 * Pointers, wheel and pinch. Two fingers always move the image: whatever one finger had begun is
 * taken back, so that no tool swallows a pinch.
 */
import { panBy, scrollBy, zoomBy, type SceneStore } from '../scene/index.js';
import { canvasPx, type CanvasPx } from '../words/index.js';

/** What one pointer does from press to release. */
export interface Drag {
  move(to: CanvasPx): void;
  end?(): void;
  /** A second finger came: as if it had never begun. */
  cancel?(): void;
}

export interface GestureTargets {
  /** The drag that begins here; `isTouch` widens what counts as a hit. */
  begin(at: CanvasPx, isTouch: boolean, button: number): Drag | undefined;
  /** Pressed and released in one place. */
  tap(at: CanvasPx, isTouch: boolean): void;
  /** The wheel; slices on or back where this is left out. */
  scroll?(steps: number): void;
}

const TAP_PX = 5;
const WHEEL_STEP_PX = 60;

export function createGestures(
  stage: HTMLElement,
  store: SceneStore,
  targets: GestureTargets,
): () => void {
  const pointers = new Map<number, CanvasPx>();
  let drag: Drag | undefined;
  let start: CanvasPx | undefined;
  let hasMoved = false;
  let wheel = 0;
  const scroll = (steps: number): void => {
    if (targets.scroll === undefined) store.perform(scrollBy(steps));
    else targets.scroll(steps);
  };
  const controller = new AbortController();
  const options = { signal: controller.signal };

  function local(event: MouseEvent): CanvasPx {
    const box = stage.getBoundingClientRect();
    return canvasPx(event.clientX - box.left, event.clientY - box.top);
  }

  function fromCentre(point: CanvasPx): [number, number] {
    const box = stage.getBoundingClientRect();
    return [point.x - box.width / 2, point.y - box.height / 2];
  }

  function dropDrag(): void {
    drag?.cancel?.();
    drag = undefined;
  }

  function pinch(id: number, to: CanvasPx): void {
    const [one, other] = [...pointers.entries()];
    if (one === undefined || other === undefined) return;
    const fixed = one[0] === id ? other[1] : one[1];
    const from = pointers.get(id) ?? to;
    const before = Math.hypot(from.x - fixed.x, from.y - fixed.y);
    const after = Math.hypot(to.x - fixed.x, to.y - fixed.y);
    store.perform(panBy((to.x - from.x) / 2, (to.y - from.y) / 2));
    if (before > 0) {
      const middle = canvasPx((to.x + fixed.x) / 2, (to.y + fixed.y) / 2);
      store.perform(zoomBy(after / before, fromCentre(middle)));
    }
  }

  stage.addEventListener(
    'pointerdown',
    (event) => {
      stage.setPointerCapture(event.pointerId);
      const at = local(event);
      pointers.set(event.pointerId, at);
      if (pointers.size === 1) {
        start = at;
        hasMoved = false;
        drag = targets.begin(at, event.pointerType === 'touch', event.button);
      } else {
        hasMoved = true;
        dropDrag();
      }
    },
    options,
  );
  stage.addEventListener(
    'pointermove',
    (event) => {
      if (!pointers.has(event.pointerId)) return;
      const to = local(event);
      if (pointers.size >= 2) {
        pinch(event.pointerId, to);
      } else {
        if (start !== undefined && Math.hypot(to.x - start.x, to.y - start.y) > TAP_PX) {
          hasMoved = true;
        }
        if (hasMoved) drag?.move(to);
      }
      pointers.set(event.pointerId, to);
    },
    options,
  );
  function release(event: PointerEvent): void {
    if (!pointers.delete(event.pointerId) || pointers.size > 0) return;
    const finished = drag;
    drag = undefined;
    if (event.type === 'pointercancel') finished?.cancel?.();
    else finished?.end?.();
    if (!hasMoved && event.type === 'pointerup' && event.button === 0) {
      targets.tap(local(event), event.pointerType === 'touch');
    }
  }
  stage.addEventListener('pointerup', release, options);
  stage.addEventListener('pointercancel', release, options);
  stage.addEventListener('contextmenu', (event) => event.preventDefault(), options);
  stage.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) {
        store.perform(zoomBy(Math.exp(-event.deltaY / 300), fromCentre(local(event))));
        return;
      }
      // A notch of a wheel is one slice; a trackpad's small steps add up to one.
      const pixels = event.deltaMode === 0 ? event.deltaY : event.deltaY * WHEEL_STEP_PX;
      if (Math.abs(pixels) >= WHEEL_STEP_PX) {
        wheel = 0;
        scroll(Math.sign(pixels));
        return;
      }
      wheel += pixels;
      const steps = Math.trunc(wheel / WHEEL_STEP_PX);
      if (steps === 0) return;
      wheel -= steps * WHEEL_STEP_PX;
      scroll(steps);
    },
    { ...options, passive: false },
  );
  return () => controller.abort();
}
