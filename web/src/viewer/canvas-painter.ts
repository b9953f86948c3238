import type { Look, Painter } from './painter.js';
import type { Picture } from './picture.js';
import type { Size } from './placement.js';
import { paintGrey, paintRgb } from './window.js';

/**
 * A painter on a 2D canvas: colour images, images larger than a texture may be, machines without
 * WebGL, and the first picture while Cornerstone is still on its way.
 */
export function createCanvasPainter(
  parent: HTMLElement,
): Painter & { readonly element: HTMLElement } {
  const canvas = document.createElement('canvas');
  canvas.className = 'ov-picture';
  parent.append(canvas);
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new Error('This browser gives no 2D canvas.');
  const toned = document.createElement('canvas');
  let tonedFor: { picture: Picture; look: Look } | undefined;
  let dpr = 1;

  function tone(picture: Picture, look: Look): void {
    const before = tonedFor;
    if (
      before?.picture === picture &&
      before.look.range.lower === look.range.lower &&
      before.look.range.upper === look.range.upper &&
      before.look.isInverted === look.isInverted
    ) {
      return;
    }
    if (toned.width !== picture.columns || toned.height !== picture.rows) {
      toned.width = picture.columns;
      toned.height = picture.rows;
    }
    const target = toned.getContext('2d');
    if (target === null) throw new Error('This browser gives no 2D canvas.');
    const image = target.createImageData(picture.columns, picture.rows);
    const words = new Uint32Array(image.data.buffer);
    if (picture.pixels.kind === 'grey') {
      paintGrey(picture.pixels.values, look.range, look.isInverted, words);
    } else {
      paintRgb(picture.pixels.values, look.range, look.isInverted, words);
    }
    target.putImageData(image, 0, 0);
    tonedFor = { picture, look };
  }

  return {
    kind: 'canvas',
    element: canvas,
    draw(picture, look, onDrawn) {
      tone(picture, look);
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = '#000';
      context.fillRect(0, 0, canvas.width, canvas.height);
      const { a, b, c, d, e, f } = look.map;
      context.setTransform(a * dpr, b * dpr, c * dpr, d * dpr, e * dpr, f * dpr);
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = 'high';
      context.drawImage(toned, 0, 0);
      onDrawn(look.map);
    },
    resize(size: Size) {
      dpr = window.devicePixelRatio || 1;
      canvas.width = Math.max(1, Math.round(size.width * dpr));
      canvas.height = Math.max(1, Math.round(size.height * dpr));
    },
    show(isShown) {
      canvas.style.visibility = isShown ? '' : 'hidden';
    },
    dispose() {
      canvas.remove();
    },
  };
}
