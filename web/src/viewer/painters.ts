/** Chooses who draws: the canvas at once, Cornerstone as soon as it is here and can. */
import type { Affine2 } from '../words/index.js';
import { createCanvasPainter } from './canvas-painter.js';
import type { Look, Painter } from './painter.js';
import type { Picture } from './picture.js';
import type { Size } from './placement.js';
import { largestTexture } from './webgl.js';

export interface Painters {
  readonly kind: Painter['kind'];
  draw(picture: Picture, look: Look, onDrawn: (map: Affine2) => void): void;
  resize(size: Size): void;
  dispose(): void;
}

/** `onReady` is called when Cornerstone came: what is on the screen is drawn anew. */
export function createPainters(parent: HTMLElement, onReady: () => void): Painters {
  const canvas = createCanvasPainter(parent);
  const limit = largestTexture();
  let cornerstone: Painter | undefined;
  let current: Painter = canvas;
  let size: Size | undefined;
  let isDisposed = false;

  async function fetchCornerstone(): Promise<void> {
    const { createCornerstonePainter } = await import('./cornerstone-painter.js');
    if (isDisposed) return;
    cornerstone = createCornerstonePainter(parent, canvas.element);
    // It lies above the canvas, and colour pictures stay on the canvas: in sight once it draws.
    cornerstone.show(false);
    if (size !== undefined) cornerstone.resize(size);
    onReady();
  }
  // Where it does not come (offline, a blocked WebGL), the canvas goes on drawing.
  if (limit > 0) fetchCornerstone().catch(() => undefined);

  function choose(picture: Picture): Painter {
    const fits = Math.max(picture.rows, picture.columns) <= limit;
    return cornerstone !== undefined && picture.pixels.kind === 'grey' && fits
      ? cornerstone
      : canvas;
  }

  return {
    get kind() {
      return current.kind;
    },
    draw(picture, look, onDrawn) {
      const chosen = choose(picture);
      chosen.draw(picture, look, (map) => {
        if (current !== chosen) {
          current.show(false);
          chosen.show(true);
          current = chosen;
        }
        onDrawn(map);
      });
    },
    resize(next) {
      size = next;
      canvas.resize(next);
      cornerstone?.resize(next);
    },
    dispose() {
      isDisposed = true;
      canvas.dispose();
      cornerstone?.dispose();
    },
  };
}
