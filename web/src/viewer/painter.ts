import type { Affine2 } from '../words/index.js';
import type { Picture } from './picture.js';
import type { Size } from './placement.js';
import type { Range } from './window.js';

export interface Look {
  /** Where the picture is to lie: image (SCOORD) to CSS pixels. */
  readonly map: Affine2;
  /** Width and height of a pixel in the units that `map` was fitted with. */
  readonly pixel: Size;
  readonly range: Range;
  readonly isInverted: boolean;
}

/** Puts pictures on the screen; `webgl` is Cornerstone, `canvas` needs no WebGL. */
export interface Painter {
  readonly kind: 'webgl' | 'canvas';
  /**
   * Draw, and call `onDrawn` when the picture is on the screen (at once or in the next frame) with
   * where it really lies, read back from what drew it: the overlay moves in that same frame.
   */
  draw(picture: Picture, look: Look, onDrawn: (map: Affine2) => void): void;
  /** Only one painter is seen. */
  show(isShown: boolean): void;
  resize(size: Size): void;
  dispose(): void;
}
