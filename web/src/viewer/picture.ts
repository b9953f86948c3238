/** Decoded frames as the painters want them: modality values, or RGB. */
import type { Frame } from '../client/index.js';
import type { ImageView } from '../words/index.js';

export type Grey = Int16Array | Uint16Array | Float32Array;

export interface Picture {
  readonly rows: number;
  readonly columns: number;
  /** `grey`: modality values (rescaled), row-major. `rgb`: three bytes for each pixel. */
  readonly pixels:
    | { readonly kind: 'grey'; readonly values: Grey }
    | { readonly kind: 'rgb'; readonly values: Uint8Array };
  /** MONOCHROME1: the lowest value is white (PS3.3 C.7.6.3.1.2). */
  readonly isLowWhite: boolean;
  readonly bytes: number;
}

/** Stored values as an array of their own width and sign; little endian, as all browsers are. */
function storedValues(frame: Frame): Uint8Array | Int8Array | Uint16Array | Int16Array {
  if (frame.bits > 8) {
    return frame.is_signed ? new Int16Array(frame.bytes) : new Uint16Array(frame.bytes);
  }
  return frame.is_signed ? new Int8Array(frame.bytes) : new Uint8Array(frame.bytes);
}

/**
 * Apply the rescale (PS3.3 C.11.1.1.2) once, here, so that windows, probes and planes all speak
 * modality units.
 */
export function toPicture(frame: Frame, image: ImageView): Picture {
  const expected = frame.rows * frame.columns * frame.samples;
  const stored = storedValues(frame);
  if (stored.length < expected) {
    throw new Error(
      `The service sent ${stored.length} samples of an image of ${frame.columns} by ${frame.rows}.`,
    );
  }
  const shape = { rows: frame.rows, columns: frame.columns };
  if (frame.samples >= 3) {
    const values = stored instanceof Uint8Array ? stored : Uint8Array.from(stored, (v) => v >> 8);
    return { ...shape, pixels: { kind: 'rgb', values }, isLowWhite: false, bytes: values.byteLength };
  }
  const values = rescale(stored.subarray(0, expected), image);
  return {
    ...shape,
    pixels: { kind: 'grey', values },
    isLowWhite: image.photometric_interpretation === 'MONOCHROME1',
    bytes: values.byteLength,
  };
}

function rescale(
  stored: Uint8Array | Int8Array | Uint16Array | Int16Array,
  image: ImageView,
): Grey {
  const { rescale_slope: slope, rescale_intercept: intercept } = image;
  const isPlain = slope === 1 && intercept === 0;
  if (isPlain && (stored instanceof Int16Array || stored instanceof Uint16Array)) return stored;
  const [low, high] = rangeOf(stored);
  const ends = [low * slope + intercept, high * slope + intercept];
  const values = arrayFor(
    stored.length,
    Math.min(...ends),
    Math.max(...ends),
    Number.isInteger(slope) && Number.isInteger(intercept),
  );
  for (let at = 0; at < stored.length; at++) values[at] = (stored[at] ?? 0) * slope + intercept;
  return values;
}

function rangeOf(values: ArrayLike<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function arrayFor(length: number, low: number, high: number, isWhole: boolean): Grey {
  if (isWhole && low >= -32768 && high <= 32767) return new Int16Array(length);
  if (isWhole && low >= 0 && high <= 65535) return new Uint16Array(length);
  return new Float32Array(length);
}
