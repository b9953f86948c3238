/** What is on the screen, as one frozen value: no DOM, no drawing, no requests. */
import type {
  BoxRegion,
  ContourRegion,
  Finding,
  ImagePx,
  ImageRef,
  ImageView,
  Lps,
  Result,
  ResultView,
  StudyView,
} from '../words/index.js';

export type Tool = 'scroll' | 'window' | 'zoom' | 'pan' | 'length' | 'angle';
export type Layout = 'stack' | 'mpr';

export interface WindowLevel {
  readonly center: number;
  readonly width: number;
  /** Words of the preset ("brain"), or "" for one set by hand. */
  readonly name: string;
}

/** A distance (2 points) or an angle (3 points, the second is the corner) on one image. */
export interface Annotation {
  readonly id: string;
  readonly kind: 'length' | 'angle';
  readonly image: ImageRef;
  readonly points: readonly ImagePx[];
}

/** A person's change of one finding's outlines, not yet a verdict. */
export interface Draft {
  readonly resultUid: string;
  readonly trackingUid: string;
  readonly regions: readonly (BoxRegion | ContourRegion)[];
}

export interface FindingRef {
  readonly resultUid: string;
  readonly trackingUid: string;
}

export interface SeriesScene {
  readonly seriesInstanceUid: string;
  readonly modality: string;
  readonly images: readonly ImageView[];
  /** Milliseconds from one frame to the next; null where the series is not a cine. */
  readonly frameTimeMs: number | null;
}

export interface AiLayer {
  /** Switched by key or tap. */
  readonly isOn: boolean;
  /** True for as long as the key is held: the bare image. */
  readonly isHeld: boolean;
  /** 0..1 for masks and heat maps. */
  readonly opacity: number;
  /** Tracking UIDs of findings that the person switched off. */
  readonly hidden: ReadonlySet<string>;
}

export interface Scene {
  readonly study: StudyView | null;
  readonly series: SeriesScene | null;
  /** 0-based position in `series.images`. */
  readonly index: number;
  readonly layout: Layout;
  /** Why MPR is not offered for this series; "" where it is. */
  readonly mprRefusal: string;
  readonly tool: Tool;
  readonly window: WindowLevel;
  readonly isInverted: boolean;
  /** Clockwise as seen, after the flips. */
  readonly rotationDegrees: 0 | 90 | 180 | 270;
  readonly isFlippedHorizontally: boolean;
  readonly isFlippedVertically: boolean;
  /** 1 fits the image into the viewport. */
  readonly zoom: number;
  /** CSS pixels that the image's centre lies off the viewport's centre. */
  readonly pan: readonly [number, number];
  readonly cine: { readonly isPlaying: boolean; readonly framesPerSecond: number };
  readonly results: readonly ResultView[];
  readonly ai: AiLayer;
  readonly selected: FindingRef | null;
  readonly annotations: readonly Annotation[];
  readonly draft: Draft | null;
  /** Where the three planes of the MPR cross; null before the volume is there. */
  readonly crosshair: Lps | null;
}

export const EMPTY_SCENE: Scene = {
  study: null,
  series: null,
  index: 0,
  layout: 'stack',
  mprRefusal: '',
  tool: 'scroll',
  window: { center: 40, width: 400, name: '' },
  isInverted: false,
  rotationDegrees: 0,
  isFlippedHorizontally: false,
  isFlippedVertically: false,
  zoom: 1,
  pan: [0, 0],
  cine: { isPlaying: false, framesPerSecond: 10 },
  results: [],
  ai: { isOn: true, isHeld: false, opacity: 0.3, hidden: new Set() },
  selected: null,
  annotations: [],
  draft: null,
  crosshair: null,
};

export interface PlacedFinding {
  readonly result: Result;
  readonly finding: Finding;
}

/** All findings of all results, in the order in which N and P walk them: strongest first. */
export function findingsOf(scene: Scene): PlacedFinding[] {
  return scene.results.flatMap(({ result }) =>
    result.findings.map((finding) => ({ result, finding })),
  );
}

export function isSameImage(one: ImageRef, other: ImageRef): boolean {
  return one.sop_instance_uid === other.sop_instance_uid && one.frame === other.frame;
}

export function currentImage(scene: Scene): ImageView | undefined {
  return scene.series?.images[scene.index];
}

/** Whether the AI layer is to be drawn at all. */
export function isAiShown(scene: Scene): boolean {
  return scene.ai.isOn && !scene.ai.isHeld;
}

export function selectedFinding(scene: Scene): PlacedFinding | undefined {
  const chosen = scene.selected;
  if (chosen === null) return undefined;
  return findingsOf(scene).find(
    ({ result, finding }) =>
      result.result_uid === chosen.resultUid && finding.tracking_uid === chosen.trackingUid,
  );
}
