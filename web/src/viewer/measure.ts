/** Lengths and angles of a person's marks, in millimetres where the spacing may be believed. */
import type { Annotation } from '../scene/index.js';
import type { ImagePx, ImageView } from '../words/index.js';

export interface Reading {
  readonly value: number;
  readonly unit: 'mm' | 'px' | '°';
  readonly text: string;
  /** Why it is in pixels; "" where it is not. */
  readonly note: string;
}

const NO_SPACING = 'no trustworthy pixel spacing';

interface Scale {
  readonly across: number;
  readonly along: number;
  readonly isKnown: boolean;
  readonly note: string;
}

function scaleOf(image: ImageView): Scale {
  if (image.plane === null || !image.is_spacing_trustworthy) {
    return { across: 1, along: 1, isKnown: false, note: image.spacing_note || NO_SPACING };
  }
  return {
    across: image.plane.spacing_between_columns_mm,
    along: image.plane.spacing_between_rows_mm,
    isKnown: true,
    note: '',
  };
}

/** The reading of a length (2 points) or an angle (3 points); undefined while it is unfinished. */
export function readAnnotation(annotation: Annotation, image: ImageView): Reading | undefined {
  const scale = scaleOf(image);
  const [first, second, third] = annotation.points;
  if (first === undefined || second === undefined) return undefined;
  if (annotation.kind === 'length') {
    const value = distance(first, second, scale);
    const unit = scale.isKnown ? 'mm' : 'px';
    return { value, unit, text: `${value.toFixed(1)} ${unit}`, note: scale.note };
  }
  if (third === undefined) return undefined;
  const value = angle(first, second, third, scale);
  return {
    value,
    unit: '°',
    text: `${value.toFixed(1)}°`,
    note: scale.isKnown ? '' : `pixels taken as square: ${scale.note}`,
  };
}

function distance(one: ImagePx, other: ImagePx, scale: Scale): number {
  return Math.hypot(
    (other.column - one.column) * scale.across,
    (other.row - one.row) * scale.along,
  );
}

/** Degrees between the two arms that meet in `corner`, 0 to 180. */
function angle(one: ImagePx, corner: ImagePx, other: ImagePx, scale: Scale): number {
  const arm = (end: ImagePx): readonly [number, number] => [
    (end.column - corner.column) * scale.across,
    (end.row - corner.row) * scale.along,
  ];
  const [ax, ay] = arm(one);
  const [bx, by] = arm(other);
  return (Math.abs(Math.atan2(ax * by - ay * bx, ax * bx + ay * by)) * 180) / Math.PI;
}
