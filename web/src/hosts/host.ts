/**
 * What a viewer that holds our panels must offer; one small file beside this one per viewer.
 * How far a host lets us go is said by its capabilities, and the panels show no more than that.
 */
import type { CanvasPx, ImagePx, ImageRef, Subscription } from '../words/index.js';

export type HostName = 'own desk';

export type HostCapability = 'overlay' | 'panel' | 'toolbar' | 'navigate' | 'context' | 'launch';

export interface HostViewport {
  readonly element: HTMLElement;
  /** The picture that is on the screen; undefined before the first. */
  readonly image: ImageRef | undefined;
  /** CSS pixels from the element's corner; undefined before the first picture. */
  toCanvas(point: ImagePx): CanvasPx | undefined;
  toImage(point: CanvasPx): ImagePx | undefined;
}

export type HostEvent = 'series-loaded' | 'viewport-changed';

export interface HostSession {
  readonly name: HostName;
  readonly capabilities: ReadonlySet<HostCapability>;
  viewports(): readonly HostViewport[];
  on(event: HostEvent, handler: () => void): Subscription;
  goTo(image: ImageRef): Promise<void>;
  close(): void;
}
