/** Joins the scene to what draws it: pictures, overlay, planes, rail and gestures. */
import { ProblemError, type Client } from '../client/index.js';
import {
  currentImage,
  findingsOf,
  goToImage,
  isSameImage,
  refuseMpr,
  selectFinding,
  setCrosshair,
  setLayout,
  setSeries,
  setStudy,
  setView,
  type FindingRef,
  type Layout,
  type PlacedFinding,
  type Scene,
  type SceneStore,
} from '../scene/index.js';
import {
  toCanvas,
  toImage,
  type Affine2,
  type CanvasPx,
  type ImagePx,
  type ImageRef,
  type ImageView,
  type StudyView,
} from '../words/index.js';
import { createCine } from './cine.js';
import type { ViewerEvents, ViewerHandle, ViewerState } from './contract.js';
import { createCorners } from './corners.js';
import { createEmitter } from './emitter.js';
import { imageOf, middleOn } from './focus.js';
import { budgetBytes, createFrameStore, prefetchOrder, type FrameStore } from './frame-store.js';
import { createGestures } from './gestures.js';
import { beginMark, drawMarks } from './marks.js';
import { openMpr, type Mpr } from './mpr.js';
import { createOverlay } from './overlay.js';
import { createPainters } from './painters.js';
import { findingAt } from './pick.js';
import type { Picture } from './picture.js';
import { panToCentre, pixelSizeOf, placeImage, type Size } from './placement.js';
import { toPatient, toPlane } from './plane.js';
import { createRail } from './rail.js';
import { railMarks } from './shapes.js';
import { adoptStyle } from './style.js';
import { html } from './svg.js';
import { beginTool } from './tools.js';
import { rangeOfWindow } from './window.js';

/** A picture on the screen, and where it lies. */
interface Shown {
  readonly image: ImageView;
  readonly map: Affine2;
}

function refOf(image: ImageView): ImageRef {
  return { sop_instance_uid: image.sop_instance_uid, frame: image.frame };
}

/**
 * Draw the scene into `element` and keep drawing it as it changes; the element's size is watched.
 * Keys are the application's: `actionOfKey` says what each does.
 */
export function createViewer(
  element: HTMLElement,
  client: Client,
  store: SceneStore,
): ViewerHandle {
  adoptStyle(element);
  const root = html('div', 'ov-viewer');
  root.setAttribute('data-viewer', '');
  const stage = html('div', 'ov-stage');
  root.append(stage);
  element.append(root);
  const painters = createPainters(stage, () => schedule());
  const overlay = createOverlay(stage);
  const corners = createCorners(stage);
  const rail = createRail(root, store);
  const events = createEmitter<ViewerEvents>();
  const cine = createCine(store, () => frames?.peek(nextIndex()) !== undefined);
  const isSmallScreen = Math.min(window.screen.width, window.screen.height) < 600;
  const budget = budgetBytes(
    (navigator as Navigator & { deviceMemory?: number }).deviceMemory,
    isSmallScreen,
  );
  let size: Size = { width: 0, height: 0 };
  let frames: FrameStore | undefined;
  let shown: Shown | undefined;
  let problem = '';
  let opening = new AbortController();
  let mpr: Mpr | undefined;
  let mprOpening: Promise<void> | undefined;
  let frameRequest = 0;
  let isDisposed = false;
  const waiting = new Set<{ index: number; resolve: () => void }>();

  // ── drawing ────────────────────────────────────────────────────────────────────────────────

  function schedule(): void {
    if (frameRequest !== 0 || isDisposed) return;
    frameRequest = requestAnimationFrame(() => {
      frameRequest = 0;
      draw();
    });
  }

  function draw(): void {
    const scene = store.get();
    rail.draw(scene);
    const isMpr = scene.layout === 'mpr' && mpr !== undefined;
    stage.hidden = isMpr;
    if (mpr !== undefined) mpr.planes.root.hidden = !isMpr;
    if (isMpr) {
      mpr?.planes.draw(scene);
      return;
    }
    const image = currentImage(scene);
    if (image === undefined || size.width === 0 || size.height === 0) return;
    const picture = frames?.peek(scene.index);
    if (picture === undefined) want(scene.index);
    else paint(image, picture, scene);
  }

  function paint(image: ImageView, picture: Picture, scene: Scene): void {
    const pixel = pixelSizeOf(image);
    const look = {
      map: placeImage(picture.columns, picture.rows, pixel, size, scene),
      pixel,
      range: rangeOfWindow(scene.window.center, scene.window.width),
      isInverted: scene.isInverted !== picture.isLowWhite,
    };
    painters.draw(picture, look, (map) => {
      shown = { image, map };
      say('');
      drawOver();
    });
  }

  /** What lies on the picture that is on the screen; never on the one that is still to come. */
  function drawOver(): void {
    if (shown === undefined || isDisposed) return;
    const scene = store.get();
    const { image, map } = shown;
    overlay.draw(scene, image, map, size);
    drawMarks(overlay.front, scene, image, map);
    corners.draw(scene, image, map);
    for (const waiter of [...waiting]) {
      if (currentImage(scene) !== image) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
    events.emit('image-rendered', getState());
  }

  function say(words: string): void {
    if (words === problem) return;
    problem = words;
    corners.say(words);
    if (words !== '') events.emit('problem', { message: words });
  }

  function want(index: number): void {
    frames?.load(index).then(schedule, (error: unknown) => {
      if (index !== store.get().index || opening.signal.aborted) return;
      say(error instanceof Error ? error.message : 'The picture could not be read.');
      for (const waiter of waiting) waiter.resolve();
      waiting.clear();
    });
  }

  /** Resolves when the current image is on the screen, or when it is known that it will not be. */
  function untilShown(): Promise<void> {
    const scene = store.get();
    if (scene.layout === 'mpr' || size.width === 0 || size.height === 0) return Promise.resolve();
    if (shown !== undefined && shown.image === currentImage(scene)) return Promise.resolve();
    schedule();
    return new Promise((resolve) => waiting.add({ index: scene.index, resolve }));
  }

  function nextIndex(): number {
    const scene = store.get();
    return (scene.index + 1) % Math.max(1, scene.series?.images.length ?? 1);
  }

  function prefetch(scene: Scene): void {
    const count = scene.series?.images.length ?? 0;
    const flagged = railMarks(scene).sort((one, other) => Number(other.isFlagged) - Number(one.isFlagged));
    frames?.prefetch(prefetchOrder(count, scene.index, flagged.map(({ index }) => index)));
  }

  // ── opening ────────────────────────────────────────────────────────────────────────────────

  async function openSeries(seriesInstanceUid: string, openAt?: ImageRef): Promise<void> {
    const { study } = store.get();
    const series = study?.series.find((one) => one.series_instance_uid === seriesInstanceUid);
    if (study === null || series === undefined) {
      throw new Error('The open study has no such series.');
    }
    opening.abort();
    opening = new AbortController();
    const { signal } = opening;
    closeSeries();
    const list = await client.images(study.study_instance_uid, seriesInstanceUid, signal);
    if (signal.aborted) return;
    frames = createFrameStore(client, list.images, budget, (index) => {
      events.emit('pixels-loaded', { loaded: frames?.loaded ?? 0, count: list.images.length });
      if (index === store.get().index) schedule();
    });
    store.perform(
      setSeries(
        {
          seriesInstanceUid,
          modality: series.modality,
          images: list.images,
          frameTimeMs: list.frame_time_ms,
        },
        openAt,
      ),
    );
    if (!series.spacing.is_volume) {
      store.perform(refuseMpr(series.spacing.note || 'This series is not a volume.'));
    }
    events.emit('series-loaded', { seriesInstanceUid, count: list.images.length });
    await untilShown();
  }

  function closeSeries(): void {
    frames?.dispose();
    frames = undefined;
    mpr?.dispose();
    mpr = undefined;
    mprOpening = undefined;
    shown = undefined;
    overlay.clear();
    say('');
    for (const waiter of waiting) waiter.resolve();
    waiting.clear();
  }

  async function openPlanes(): Promise<void> {
    const { signal } = opening;
    corners.say('Preparing three planes');
    try {
      const opened = await openMpr(root, client, store, signal, schedule);
      if (signal.aborted) {
        opened.dispose();
        return;
      }
      mpr = opened;
      mpr.followResults(store.get());
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : 'Three planes are not to be had.';
      if (error instanceof ProblemError && !error.isPassing) store.perform(refuseMpr(reason));
      else store.perform(setLayout('stack'));
      events.emit('layout-refused', { layout: 'mpr', reason });
    } finally {
      mprOpening = undefined;
      corners.say(problem);
      schedule();
    }
  }

  /** Where the stack stands is where the planes cross. */
  function crossAtStack(scene: Scene, placed?: PlacedFinding): void {
    const image = currentImage(scene);
    if (image === undefined || image.plane === null) return;
    const finding = placed ?? chosenFinding(scene);
    const middle = finding === undefined ? undefined : middleOn(finding.finding, image);
    const point = middle ?? ({ column: image.columns / 2, row: image.rows / 2 } as ImagePx);
    store.perform(setCrosshair(toPatient(image.plane, point)));
  }

  /** And the other way round: the slice nearest to the crossing. */
  function standAtCross(scene: Scene): void {
    const { crosshair } = scene;
    if (crosshair === null) return;
    const distances = (scene.series?.images ?? []).map(({ plane }) =>
      plane === null ? Infinity : toPlane(plane, crosshair).distanceMm,
    );
    const index = distances.indexOf(Math.min(...distances));
    const image = scene.series?.images[index];
    if (image !== undefined) store.perform(goToImage(image));
  }

  function chosenFinding(scene: Scene): PlacedFinding | undefined {
    return findingsOf(scene).find(
      ({ finding }) => finding.tracking_uid === scene.selected?.trackingUid,
    );
  }

  // ── following the scene ────────────────────────────────────────────────────────────────────

  const watching = store.on((scene, before) => {
    if (scene.series !== before.series || scene.index !== before.index) {
      prefetch(scene);
    } else if (scene.results !== before.results) {
      prefetch(scene);
    }
    if (scene.results !== before.results) mpr?.followResults(scene);
    if (scene.cine !== before.cine) cine.follow(scene);
    if (scene.layout !== before.layout) followLayout(scene, before);
    schedule();
  });

  function followLayout(scene: Scene, before: Scene): void {
    if (scene.layout === 'mpr') {
      crossAtStack(scene);
      if (mpr === undefined) mprOpening ??= openPlanes();
    } else if (before.layout === 'mpr' && scene.series === before.series && mpr !== undefined) {
      standAtCross(before);
    }
  }

  const sizes = new ResizeObserver(() => {
    size = { width: root.clientWidth, height: root.clientHeight };
    if (size.width === 0 || size.height === 0) return;
    painters.resize(size);
    overlay.resize(size);
    draw();
  });
  sizes.observe(root);

  const room = {
    store,
    size: () => size,
    toImage: (point: CanvasPx) => (shown === undefined ? undefined : toImage(shown.map, point)),
  };
  const stopGestures = createGestures(stage, store, {
    begin(at, isTouch, button) {
      const held =
        button === 0 && shown !== undefined
          ? beginMark(store, shown.map, at, isTouch)
          : undefined;
      return held ?? beginTool(room, at, button);
    },
    tap(at, isTouch) {
      if (shown === undefined || store.get().draft !== null) return;
      const picked = findingAt(store.get(), shown.image, shown.map, at, isTouch);
      if (picked !== undefined) events.emit('finding-picked', picked);
    },
  });

  function getState(): ViewerState {
    const scene = store.get();
    const image = currentImage(scene);
    return {
      layout: scene.layout,
      image: image === undefined ? null : refOf(image),
      index: scene.index,
      count: scene.series?.images.length ?? 0,
      loaded: frames?.loaded ?? 0,
      affine: shown?.map ?? null,
      shown: shown === undefined ? null : refOf(shown.image),
      painter: shown === undefined ? null : painters.kind,
      problem,
    };
  }

  async function goTo(image: ImageRef): Promise<void> {
    store.perform(goToImage(image));
    if (store.get().layout === 'mpr') crossAtStack(store.get());
    await untilShown();
  }

  async function centreOn(ref: FindingRef): Promise<void> {
    const placed = findingsOf(store.get()).find(
      ({ result, finding }) =>
        result.result_uid === ref.resultUid && finding.tracking_uid === ref.trackingUid,
    );
    const image = placed === undefined ? undefined : imageOf(placed.finding);
    if (placed === undefined || image === undefined) return;
    if (store.get().series?.seriesInstanceUid !== placed.result.series_instance_uid) {
      await openSeries(placed.result.series_instance_uid, image);
    }
    store.perform(selectFinding(ref));
    store.perform(goToImage(image));
    if (store.get().layout === 'mpr') {
      crossAtStack(store.get(), placed);
      return;
    }
    await untilShown();
    const middle = middleOn(placed.finding, image);
    if (middle === undefined || shown === undefined || !isSameImage(shown.image, image)) return;
    const { rows, columns } = shown.image;
    store.perform(
      setView(
        store.get().zoom,
        panToCentre(shown.map, columns, rows, middle.column, middle.row),
      ),
    );
  }

  return {
    async openStudy(study: StudyView) {
      store.perform(setStudy(study));
      const at = study.open_at;
      const first = study.series.find((series) => series.is_displayable);
      const seriesUid = at?.series_instance_uid ?? first?.series_instance_uid;
      if (seriesUid === undefined) {
        say('This study holds no pictures.');
        return;
      }
      await openSeries(seriesUid, at ?? undefined);
    },
    openSeries,
    goTo,
    centreOn,
    async setLayout(layout: Layout) {
      store.perform(setLayout(layout));
      if (layout === 'mpr') {
        const refusal = store.get().mprRefusal;
        if (refusal !== '') events.emit('layout-refused', { layout, reason: refusal });
        await mprOpening;
      }
    },
    getState,
    toCanvas: (point) => (shown === undefined ? undefined : toCanvas(shown.map, point)),
    toImage: room.toImage,
    on: events.on,
    dispose() {
      isDisposed = true;
      cancelAnimationFrame(frameRequest);
      opening.abort();
      closeSeries();
      watching.dispose();
      sizes.disconnect();
      stopGestures();
      cine.stop();
      painters.dispose();
      root.remove();
    },
  };
}
