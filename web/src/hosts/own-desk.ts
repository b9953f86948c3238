/** Our own viewer as a host: everything is allowed, and there is one viewport. */
import type { Client } from '../client/index.js';
import type { SceneStore } from '../scene/index.js';
import { createViewer, type ViewerHandle } from '../viewer/index.js';
import type { HostSession } from './host.js';

export interface OwnDesk extends HostSession {
  /** What the application asks of its own viewer beyond what every host can do. */
  readonly viewer: ViewerHandle;
}

export function connectOwnDesk(element: HTMLElement, client: Client, store: SceneStore): OwnDesk {
  const viewer = createViewer(element, client, store);
  return {
    name: 'own desk',
    capabilities: new Set(['overlay', 'panel', 'toolbar', 'navigate', 'context', 'launch']),
    viewer,
    viewports: () => [
      {
        element,
        image: viewer.getState().shown ?? undefined,
        toCanvas: (point) => viewer.toCanvas(point),
        toImage: (point) => viewer.toImage(point),
      },
    ],
    on: (event, handler) =>
      event === 'series-loaded' ? viewer.on(event, handler) : viewer.on('image-rendered', handler),
    goTo: (image) => viewer.goTo(image),
    close: () => viewer.dispose(),
  };
}
