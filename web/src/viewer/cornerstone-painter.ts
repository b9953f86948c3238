/**
 * The only file that knows Cornerstone. It is given a flat world of our own (no position, no
 * orientation; one unit is one millimetre or one pixel), so that tilted, uneven and sizeless series
 * are drawn alike, and its camera is set from our map. What it really did is read back from
 * `worldToCanvas`, so that the overlay lies on the picture that is there.
 */
import {
  Enums,
  RenderingEngine,
  getRenderingEngine,
  init,
  metaData,
  utilities,
  type Types,
} from '@cornerstonejs/core';
import { affineFromThreePoints, canvasPx, toIndex, imagePx, type Affine2 } from '../words/index.js';
import type { Look, Painter } from './painter.js';
import type { Picture } from './picture.js';
import type { Size } from './placement.js';

const VIEWPORT = 'overread';
let engines = 0;
let pictures = 0;

interface Prepared {
  readonly image: Types.IImage;
  readonly look: { readonly pixel: Size };
}

const prepared = new Map<string, Prepared>();

/** Answers Cornerstone's questions about the flat world. */
function answer(type: string, imageId: string): unknown {
  const one = prepared.get(imageId);
  if (one === undefined) return undefined;
  const { rows, columns } = one.image;
  switch (type) {
    case 'imagePlaneModule':
      return {
        rows,
        columns,
        imagePositionPatient: [0, 0, 0],
        imageOrientationPatient: [1, 0, 0, 0, 1, 0],
        rowCosines: [1, 0, 0],
        columnCosines: [0, 1, 0],
        rowPixelSpacing: one.look.pixel.height,
        columnPixelSpacing: one.look.pixel.width,
        frameOfReferenceUID: VIEWPORT,
        usingDefaultValues: false,
      };
    case 'imagePixelModule':
      return {
        samplesPerPixel: 1,
        bitsAllocated: 16,
        bitsStored: 16,
        highBit: 15,
        pixelRepresentation: 1,
        photometricInterpretation: 'MONOCHROME2',
      };
    case 'generalSeriesModule':
      return { modality: 'OT' };
    default:
      return undefined;
  }
}

function prepare(picture: Picture, pixel: Size): Types.IImage {
  if (picture.pixels.kind !== 'grey') throw new Error('Colour is drawn on the 2D canvas.');
  const { values } = picture.pixels;
  const { rows, columns } = picture;
  pictures += 1;
  const imageId = `overread:${pictures}`;
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({
    scalarData: values,
    width: columns,
    height: rows,
    numberOfComponents: 1,
  });
  const image: Types.IImage = {
    imageId,
    rows,
    columns,
    height: rows,
    width: columns,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    minPixelValue: -32768,
    maxPixelValue: 32767,
    slope: 1,
    intercept: 0,
    windowCenter: 128,
    windowWidth: 256,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    invert: false,
    rowPixelSpacing: pixel.height,
    columnPixelSpacing: pixel.width,
    sizeInBytes: values.byteLength,
    dataType: values.constructor.name as Types.PixelDataTypedArrayString,
    getPixelData: () => values,
    getCanvas: () => {
      throw new Error('This picture has no canvas of its own.');
    },
    voxelManager,
  };
  prepared.set(imageId, { image, look: { pixel } });
  return image;
}

/** Placed right after `before`, under the overlay. */
export function createCornerstonePainter(parent: HTMLElement, before: HTMLElement): Painter {
  init();
  metaData.addProvider(answer);
  const element = document.createElement('div');
  element.className = 'ov-picture';
  parent.insertBefore(element, before.nextSibling);
  engines += 1;
  const engineId = `overread-${engines}`;
  const engine = new RenderingEngine(engineId);
  engine.enableElement({
    viewportId: VIEWPORT,
    type: Enums.ViewportType.STACK,
    element,
    defaultOptions: { background: [0, 0, 0] },
  });
  const viewport = engine.getViewport<Types.IStackViewport>(VIEWPORT);
  let drawn: (() => void) | undefined;
  element.addEventListener(Enums.Events.IMAGE_RENDERED, () => drawn?.());
  let shown: { picture: Picture; pixel: Size; imageId: string } | undefined;
  let size: Size = { width: 1, height: 1 };

  function show(picture: Picture, pixel: Size): void {
    if (
      shown?.picture === picture &&
      shown.pixel.width === pixel.width &&
      shown.pixel.height === pixel.height
    ) {
      return;
    }
    const image = prepare(picture, pixel);
    viewport.renderImageObject(image);
    if (shown !== undefined) prepared.delete(shown.imageId);
    shown = { picture, pixel, imageId: image.imageId };
  }

  /** Set the camera so that the flat world lies as the map says. */
  function aim(look: Look): void {
    const { map, pixel } = look;
    const determinant = map.a * map.d - map.b * map.c;
    // World units (x along columns, y along rows) for one CSS pixel to the right and one down.
    const right = [
      (map.d / determinant) * pixel.width,
      (-map.b / determinant) * pixel.height,
    ] as const;
    const down = [
      (-map.c / determinant) * pixel.width,
      (map.a / determinant) * pixel.height,
    ] as const;
    const unit = Math.hypot(...down);
    const up: Types.Point3 = [-down[0] / unit, -down[1] / unit, 0];
    const isMirrored = right[0] * down[1] - right[1] * down[0] < 0;
    const normal: Types.Point3 = [0, 0, isMirrored ? 1 : -1];
    const x = size.width / 2 - map.e;
    const y = size.height / 2 - map.f;
    const centre = toIndex(
      imagePx((map.d * x - map.c * y) / determinant, (map.a * y - map.b * x) / determinant),
    );
    const focalPoint: Types.Point3 = [
      centre.column * pixel.width,
      centre.row * pixel.height,
      0,
    ];
    const distance = 1000;
    viewport.setCamera({
      focalPoint,
      position: [focalPoint[0], focalPoint[1], normal[2] * distance],
      viewUp: up,
      viewPlaneNormal: normal,
      parallelScale: (size.height / 2) * unit,
    });
  }

  function readBack(picture: Picture, pixel: Size): Affine2 {
    const at = (column: number, row: number) => {
      const index = toIndex(imagePx(column, row));
      const [x, y] = viewport.worldToCanvas([
        index.column * pixel.width,
        index.row * pixel.height,
        0,
      ]);
      return canvasPx(x, y);
    };
    const { columns, rows } = picture;
    return affineFromThreePoints(columns, rows, at(0, 0), at(columns, 0), at(0, rows));
  }

  return {
    kind: 'webgl',
    draw(picture, look, onDrawn) {
      show(picture, look.pixel);
      viewport.setProperties({
        voiRange: { lower: look.range.lower, upper: look.range.upper },
        invert: look.isInverted,
        interpolationType: Enums.InterpolationType.LINEAR,
      });
      aim(look);
      drawn = () => onDrawn(readBack(picture, look.pixel));
      viewport.render();
    },
    resize(next) {
      size = next;
      engine.resize(true, true);
    },
    show(isShown) {
      // Not `display: none`: an element without size is never drawn, so it would never come back.
      element.style.visibility = isShown ? '' : 'hidden';
    },
    dispose() {
      if (shown !== undefined) prepared.delete(shown.imageId);
      getRenderingEngine(engineId)?.destroy();
      element.remove();
    },
  };
}
