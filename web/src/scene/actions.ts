/**
 * All that a person can do to a scene, each as a value: buttons, keys, the list under "?" and undo
 * are made from these and say nothing twice.
 */
import type { ImagePx, ImageRef, Lps, ResultView, StudyView } from '../words/index.js';
import { firstWindow, presetsOf } from './presets.js';
import {
  findingsOf,
  isSameImage,
  selectedFinding,
  type Annotation,
  type Draft,
  type FindingRef,
  type Layout,
  type PlacedFinding,
  type Scene,
  type SeriesScene,
  type Tool,
  type WindowLevel,
} from './scene.js';

export interface Action {
  /** Unique, kebab-case: for shortcuts that a person changes. */
  readonly name: string;
  /** Words for buttons and the list of keys. */
  readonly label: string;
  /** `KeyboardEvent.key`, letters in upper case; undefined where there is none. */
  readonly shortcut?: string;
  /** Whether it applies to this scene. */
  readonly predicate: (scene: Scene) => boolean;
  readonly perform: (scene: Scene) => Scene;
  /** A further step of a drag: one undo takes the whole drag back. */
  readonly continues?: boolean;
  /** Another study or series: there is nothing left to undo. */
  readonly forgets?: boolean;
}

const always = (): boolean => true;
const hasSeries = (scene: Scene): boolean => scene.series !== null;
const hasDraft = (scene: Scene): boolean => scene.draft !== null;

const ZOOM_LIMITS = [0.1, 40] as const;
const MAX_FRAMES_PER_SECOND = 60;

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function indexOf(scene: Scene, image: ImageRef): number {
  return scene.series?.images.findIndex((candidate) => isSameImage(candidate, image)) ?? -1;
}

// ── what is open ─────────────────────────────────────────────────────────────────────────────

export function setStudy(study: StudyView): Action {
  return {
    name: 'set-study',
    label: 'Open study',
    predicate: always,
    forgets: true,
    perform: (scene) => ({
      ...scene,
      study,
      results: study.results,
      series: null,
      index: 0,
      layout: 'stack',
      mprRefusal: '',
      selected: null,
      annotations: [],
      draft: null,
      crosshair: null,
      ai: { ...scene.ai, hidden: new Set(), isHeld: false },
    }),
  };
}

/** Results that came or changed after the study was opened. */
export function setResults(results: readonly ResultView[]): Action {
  return {
    name: 'set-results',
    label: 'Show results',
    predicate: always,
    perform: (scene) => ({ ...scene, results }),
  };
}

/** Stand at `at`, else in the middle; the view starts anew, the person's annotations stay. */
export function setSeries(series: SeriesScene, at?: ImageRef): Action {
  return {
    name: 'set-series',
    label: 'Open series',
    predicate: always,
    perform: (scene) => {
      const opened: Scene = { ...scene, series };
      const wanted = at === undefined ? -1 : indexOf(opened, at);
      const index = wanted >= 0 ? wanted : Math.floor(series.images.length / 2);
      const placed: Scene = {
        ...opened,
        index: series.frameTimeMs === null || wanted >= 0 ? index : 0,
        layout: 'stack',
        mprRefusal: '',
        zoom: 1,
        pan: [0, 0],
        rotationDegrees: 0,
        isFlippedHorizontally: false,
        isFlippedVertically: false,
        isInverted: false,
        crosshair: null,
        draft: null,
        cine: {
          isPlaying: false,
          framesPerSecond: series.frameTimeMs === null ? 10 : 1000 / series.frameTimeMs,
        },
      };
      return { ...placed, window: firstWindow(placed) };
    },
    forgets: true,
  };
}

// ── where one looks ──────────────────────────────────────────────────────────────────────────

export function goToIndex(index: number): Action {
  return {
    name: 'go-to-index',
    label: 'Go to slice',
    predicate: hasSeries,
    perform: (scene) => {
      const last = (scene.series?.images.length ?? 1) - 1;
      const next = clamp(Math.round(index), 0, Math.max(0, last));
      return next === scene.index ? scene : { ...scene, index: next };
    },
  };
}

export function goToImage(image: ImageRef): Action {
  return {
    name: 'go-to-image',
    label: 'Go to image',
    predicate: (scene) => indexOf(scene, image) >= 0,
    perform: (scene) => ({ ...scene, index: indexOf(scene, image) }),
  };
}

export function scrollBy(steps: number): Action {
  return {
    name: 'scroll-by',
    label: 'Scroll',
    predicate: hasSeries,
    perform: (scene) => goToIndex(scene.index + steps).perform(scene),
  };
}

/** Next frame of a cine, the first after the last. */
export const advanceCine: Action = {
  name: 'advance-cine',
  label: 'Next frame',
  predicate: (scene) => scene.cine.isPlaying && (scene.series?.images.length ?? 0) > 1,
  perform: (scene) => ({
    ...scene,
    index: (scene.index + 1) % (scene.series?.images.length ?? 1),
  }),
};

export function setView(zoom: number, pan: readonly [number, number]): Action {
  return {
    name: 'set-view',
    label: 'Zoom and pan',
    predicate: hasSeries,
    perform: (scene) => ({ ...scene, zoom: clamp(zoom, ...ZOOM_LIMITS), pan }),
  };
}

/** Zoom about a point given in CSS pixels from the viewport's centre. */
export function zoomBy(factor: number, about: readonly [number, number] = [0, 0]): Action {
  return {
    name: 'zoom-by',
    label: 'Zoom',
    predicate: hasSeries,
    perform: (scene) => {
      const zoom = clamp(scene.zoom * factor, ...ZOOM_LIMITS);
      const ratio = zoom / scene.zoom;
      return {
        ...scene,
        zoom,
        pan: [
          about[0] + (scene.pan[0] - about[0]) * ratio,
          about[1] + (scene.pan[1] - about[1]) * ratio,
        ],
      };
    },
  };
}

export function panBy(x: number, y: number): Action {
  return {
    name: 'pan-by',
    label: 'Pan',
    predicate: hasSeries,
    perform: (scene) => ({ ...scene, pan: [scene.pan[0] + x, scene.pan[1] + y] }),
  };
}

export function setWindow(center: number, width: number, name = ''): Action {
  return {
    name: 'set-window',
    label: 'Window',
    predicate: hasSeries,
    perform: (scene) => ({ ...scene, window: { center, width: Math.max(1, width), name } }),
  };
}

export function choosePreset(preset: WindowLevel): Action {
  return { ...setWindow(preset.center, preset.width, preset.name), name: 'choose-preset', label: preset.name };
}

export function setCrosshair(crosshair: Lps): Action {
  return {
    name: 'set-crosshair',
    label: 'Move crosshair',
    predicate: hasSeries,
    perform: (scene) => ({ ...scene, crosshair }),
  };
}

export function setLayout(layout: Layout): Action {
  return {
    name: `layout-${layout}`,
    label: layout === 'mpr' ? 'Three planes' : 'Stack',
    predicate: (scene) => layout === 'stack' || (hasSeries(scene) && scene.mprRefusal === ''),
    perform: (scene) =>
      scene.layout === layout
        ? scene
        : {
            ...scene,
            layout,
            zoom: 1,
            pan: [0, 0],
            cine: { ...scene.cine, isPlaying: false },
          },
  };
}

/** The service or this machine cannot give three planes of this series, and why. */
export function refuseMpr(reason: string): Action {
  return {
    name: 'refuse-mpr',
    label: 'Three planes refused',
    predicate: always,
    perform: (scene) => ({ ...scene, layout: 'stack', mprRefusal: reason }),
  };
}

export function setFramesPerSecond(framesPerSecond: number): Action {
  return {
    name: 'set-frame-rate',
    label: 'Frames per second',
    predicate: hasSeries,
    perform: (scene) => ({
      ...scene,
      cine: { ...scene.cine, framesPerSecond: clamp(framesPerSecond, 1, MAX_FRAMES_PER_SECOND) },
    }),
  };
}

export function setTool(tool: Tool, label: string, shortcut?: string): Action {
  return {
    name: `tool-${tool}`,
    label,
    ...(shortcut === undefined ? {} : { shortcut }),
    predicate: hasSeries,
    perform: (scene) => ({ ...scene, tool }),
  };
}

// ── the AI layer ─────────────────────────────────────────────────────────────────────────────

/** True for as long as the key or button is held. */
export function holdBare(isHeld: boolean): Action {
  return {
    name: 'hold-bare',
    label: 'Bare image while held',
    predicate: (scene) => scene.ai.isHeld !== isHeld,
    perform: (scene) => ({ ...scene, ai: { ...scene.ai, isHeld } }),
  };
}

export function setOpacity(opacity: number): Action {
  return {
    name: 'set-opacity',
    label: 'Opacity of masks',
    predicate: always,
    perform: (scene) => ({ ...scene, ai: { ...scene.ai, opacity: clamp(opacity, 0, 1) } }),
  };
}

export function toggleFinding(trackingUid: string): Action {
  return {
    name: 'toggle-finding',
    label: 'Show or hide finding',
    predicate: always,
    perform: (scene) => {
      const hidden = new Set(scene.ai.hidden);
      if (!hidden.delete(trackingUid)) hidden.add(trackingUid);
      return { ...scene, ai: { ...scene.ai, hidden } };
    },
  };
}

function select(scene: Scene, placed: PlacedFinding): Scene {
  const { result, finding } = placed;
  const selected = { resultUid: result.result_uid, trackingUid: finding.tracking_uid };
  const index = finding.key_image === null ? -1 : indexOf(scene, finding.key_image);
  return { ...scene, selected, index: index >= 0 ? index : scene.index };
}

/** Choose a finding and stand on its key image where that is in the open series. */
export function selectFinding(chosen: FindingRef | null): Action {
  return {
    name: 'select-finding',
    label: 'Go to finding',
    predicate: always,
    perform: (scene) => {
      if (chosen === null) return { ...scene, selected: null };
      const placed = findingsOf(scene).find(
        ({ result, finding }) =>
          result.result_uid === chosen.resultUid && finding.tracking_uid === chosen.trackingUid,
      );
      return placed === undefined ? scene : select(scene, placed);
    },
  };
}

function step(scene: Scene, by: 1 | -1): Scene {
  const all = findingsOf(scene);
  const at = all.findIndex(({ finding }) => finding.tracking_uid === scene.selected?.trackingUid);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length];
  return next === undefined ? scene : select(scene, next);
}

// ── a person's own marks ─────────────────────────────────────────────────────────────────────

export function addAnnotation(annotation: Annotation): Action {
  return {
    name: 'add-annotation',
    label: annotation.kind === 'length' ? 'Measure length' : 'Measure angle',
    predicate: hasSeries,
    perform: (scene) => ({ ...scene, annotations: [...scene.annotations, annotation] }),
  };
}

/** Further points of a drag pass `continues`, so that one undo takes it all back. */
export function moveAnnotation(id: string, points: readonly ImagePx[], continues: boolean): Action {
  return {
    name: 'move-annotation',
    label: 'Move measurement',
    predicate: (scene) => scene.annotations.some((annotation) => annotation.id === id),
    continues,
    perform: (scene) => ({
      ...scene,
      annotations: scene.annotations.map((annotation) =>
        annotation.id === id ? { ...annotation, points } : annotation,
      ),
    }),
  };
}

export function removeAnnotation(id: string): Action {
  return {
    name: 'remove-annotation',
    label: 'Remove measurement',
    predicate: (scene) => scene.annotations.some((annotation) => annotation.id === id),
    perform: (scene) => ({
      ...scene,
      annotations: scene.annotations.filter((annotation) => annotation.id !== id),
    }),
  };
}

export function changeDraft(regions: Draft['regions'], continues: boolean): Action {
  return {
    name: 'change-draft',
    label: 'Adjust outline',
    predicate: hasDraft,
    continues,
    perform: (scene) =>
      scene.draft === null ? scene : { ...scene, draft: { ...scene.draft, regions } },
  };
}

function outlinesOf(placed: PlacedFinding): Draft['regions'] {
  return placed.finding.regions.filter(
    (region) => region.kind === 'box' || region.kind === 'contour',
  );
}

/** Begin to change the selected finding's boxes and contours. */
export const startDraft: Action = {
  name: 'adjust',
  label: 'Adjust outline',
  shortcut: 'E',
  predicate: (scene) => {
    const placed = selectedFinding(scene);
    return scene.draft === null && placed !== undefined && outlinesOf(placed).length > 0;
  },
  perform: (scene) => {
    const placed = selectedFinding(scene);
    if (placed === undefined) return scene;
    return {
      ...scene,
      layout: 'stack',
      draft: {
        resultUid: placed.result.result_uid,
        trackingUid: placed.finding.tracking_uid,
        regions: outlinesOf(placed),
      },
    };
  },
};

export const dropDraft: Action = {
  name: 'drop-adjustment',
  label: 'Leave adjusting',
  shortcut: 'Escape',
  predicate: hasDraft,
  perform: (scene) => ({ ...scene, draft: null }),
};

// ── those with a key or a button ─────────────────────────────────────────────────────────────

export const toggleAi: Action = {
  name: 'toggle-ai',
  label: 'AI on or off (hold: bare image)',
  shortcut: 'A',
  predicate: always,
  perform: (scene) => ({ ...scene, ai: { ...scene.ai, isOn: !scene.ai.isOn } }),
};

export const nextFinding: Action = {
  name: 'next-finding',
  label: 'Next finding',
  shortcut: 'N',
  predicate: (scene) => findingsOf(scene).length > 0,
  perform: (scene) => step(scene, 1),
};

export const previousFinding: Action = {
  name: 'previous-finding',
  label: 'Previous finding',
  shortcut: 'P',
  predicate: (scene) => findingsOf(scene).length > 0,
  perform: (scene) => step(scene, -1),
};

export const invert: Action = {
  name: 'invert',
  label: 'Invert grey values',
  shortcut: 'I',
  predicate: hasSeries,
  perform: (scene) => ({ ...scene, isInverted: !scene.isInverted }),
};

export const rotate: Action = {
  name: 'rotate',
  label: 'Rotate by 90°',
  shortcut: 'R',
  predicate: hasSeries,
  perform: (scene) => ({
    ...scene,
    rotationDegrees: ((scene.rotationDegrees + 90) % 360) as Scene['rotationDegrees'],
    // The picture turns about the viewport's centre, whatever was panned.
    pan: [-scene.pan[1], scene.pan[0]],
  }),
};

/** Flips are as seen: on a picture that lies on its side they act on its other axis. */
function flip(scene: Scene, alongRows: boolean): Scene {
  return alongRows
    ? { ...scene, isFlippedHorizontally: !scene.isFlippedHorizontally }
    : { ...scene, isFlippedVertically: !scene.isFlippedVertically };
}

export const flipHorizontally: Action = {
  name: 'flip-horizontally',
  label: 'Flip left and right',
  shortcut: 'H',
  predicate: hasSeries,
  perform: (scene) => flip(scene, scene.rotationDegrees % 180 === 0),
};

export const flipVertically: Action = {
  name: 'flip-vertically',
  label: 'Flip top and bottom',
  shortcut: 'V',
  predicate: hasSeries,
  perform: (scene) => flip(scene, scene.rotationDegrees % 180 !== 0),
};

/** Fit, upright, not inverted, the window that the object asks for. */
export const resetView: Action = {
  name: 'reset-view',
  label: 'Reset view',
  shortcut: '0',
  predicate: hasSeries,
  perform: (scene) => ({
    ...scene,
    zoom: 1,
    pan: [0, 0],
    rotationDegrees: 0,
    isFlippedHorizontally: false,
    isFlippedVertically: false,
    isInverted: false,
    window: firstWindow(scene),
  }),
};

export const toggleCine: Action = {
  name: 'toggle-cine',
  label: 'Play or stop',
  shortcut: ' ',
  predicate: (scene) => scene.layout === 'stack' && (scene.series?.images.length ?? 0) > 1,
  perform: (scene) => ({ ...scene, cine: { ...scene.cine, isPlaying: !scene.cine.isPlaying } }),
};

export const toggleLayout: Action = {
  name: 'toggle-layout',
  label: 'Stack or three planes',
  shortcut: 'T',
  predicate: (scene) => setLayout(scene.layout === 'mpr' ? 'stack' : 'mpr').predicate(scene),
  perform: (scene) => setLayout(scene.layout === 'mpr' ? 'stack' : 'mpr').perform(scene),
};

const scrolls: readonly Action[] = (
  [
    ['next-slice', 'Next slice', 'ArrowDown', 1],
    ['previous-slice', 'Previous slice', 'ArrowUp', -1],
    ['ten-slices-on', 'Ten slices on', 'PageDown', 10],
    ['ten-slices-back', 'Ten slices back', 'PageUp', -10],
    ['first-slice', 'First slice', 'Home', -Infinity],
    ['last-slice', 'Last slice', 'End', Infinity],
  ] as const
).map(([name, label, shortcut, steps]) => ({ ...scrollBy(steps), name, label, shortcut }));

const presets: readonly Action[] = [1, 2, 3, 4, 5, 6].map((key) => ({
  name: `preset-${key}`,
  label: `Window preset ${key}`,
  shortcut: String(key),
  predicate: (scene: Scene) => presetsOf(scene)[key - 1] !== undefined,
  perform: (scene: Scene) => {
    const preset = presetsOf(scene)[key - 1];
    return preset === undefined ? scene : { ...scene, window: preset };
  },
}));

export const TOOLS: readonly Action[] = [
  setTool('scroll', 'Scroll', 'S'),
  setTool('window', 'Window', 'W'),
  setTool('pan', 'Pan', 'G'),
  setTool('zoom', 'Zoom', 'Z'),
  setTool('length', 'Length', 'M'),
  setTool('angle', 'Angle', 'L'),
];

/** Everything with a key, in the order of the list under "?". */
export const ACTIONS: readonly Action[] = [
  toggleAi,
  nextFinding,
  previousFinding,
  startDraft,
  dropDraft,
  ...scrolls,
  ...TOOLS,
  ...presets,
  invert,
  rotate,
  flipHorizontally,
  flipVertically,
  resetView,
  toggleCine,
  toggleLayout,
];

/** The action of a key that applies now; letters match in either case. */
export function actionOfKey(scene: Scene, key: string): Action | undefined {
  const wanted = key.length === 1 ? key.toUpperCase() : key;
  return ACTIONS.find((action) => action.shortcut === wanted && action.predicate(scene));
}

