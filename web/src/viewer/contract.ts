/** What the rungs above know of the viewer; Cornerstone is not seen from there. */
import type { Affine2, CanvasPx, ImagePx, ImageRef, StudyView, Subscription } from '../words/index.js';
import type { FindingRef, Layout } from '../scene/index.js';

export interface ViewerState {
  readonly layout: Layout;
  readonly image: ImageRef | null;
  /** 0-based. */
  readonly index: number;
  readonly count: number;
  /** Images of this series whose pixels are here. */
  readonly loaded: number;
  /** Image (SCOORD) to CSS pixels of the viewer's element; null before the first picture. */
  readonly affine: Affine2 | null;
  /** SOP Instance UID and frame of the picture that is on the screen, not the one asked for. */
  readonly shown: ImageRef | null;
  /** What draws the picture: Cornerstone, or the 2D canvas (see canvas-painter.ts). */
  readonly painter: 'webgl' | 'canvas' | null;
  /** "" or why there is no picture. */
  readonly problem: string;
}

export interface ViewerEvents {
  /** A picture was drawn: `shown` and `affine` hold. */
  'image-rendered': ViewerState;
  /** The list of images is here. */
  'series-loaded': { readonly seriesInstanceUid: string; readonly count: number };
  'pixels-loaded': { readonly loaded: number; readonly count: number };
  /** A finding's outline was clicked or tapped. */
  'finding-picked': FindingRef;
  'layout-refused': { readonly layout: Layout; readonly reason: string };
  problem: { readonly message: string };
}

export interface ViewerHandle {
  /** Show a study at its `open_at`, with its results; the picture is there when it resolves. */
  openStudy(study: StudyView): Promise<void>;
  /** Show another series of the open study, at `openAt` or at its middle. */
  openSeries(seriesInstanceUid: string, openAt?: ImageRef): Promise<void>;
  /** Stand on this image of the open series (scroll there; in MPR, move the crosshair). */
  goTo(image: ImageRef): Promise<void>;
  /** Go to a finding's key image (its series too) and bring it to the middle. Selecting a finding
   * in the scene does the same. */
  centreOn(finding: FindingRef): Promise<void>;
  setLayout(layout: Layout): Promise<void>;
  getState(): ViewerState;
  /** Where a point of the shown image lies on the viewer's element; undefined before a picture. */
  toCanvas(point: ImagePx): CanvasPx | undefined;
  toImage(point: CanvasPx): ImagePx | undefined;
  on<Name extends keyof ViewerEvents>(
    event: Name,
    listener: (detail: ViewerEvents[Name]) => void,
  ): Subscription;
  dispose(): void;
}
