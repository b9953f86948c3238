import type { Client } from '../client/index.js';
import type { SceneStore } from '../scene/index.js';
import type { ViewerHandle } from './contract.js';

/** Draws the scene into `element`; the element's size is watched. */
export declare function createViewer(
  element: HTMLElement,
  client: Client,
  scene: SceneStore,
): ViewerHandle;
