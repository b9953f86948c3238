import { describe, expect, it } from 'vitest';
import { imagePx, toCanvas, toImage } from '../words/index.js';
import { letters, placeImage } from './placement.js';

const VIEW = {
  zoom: 1,
  pan: [0, 0],
  rotationDegrees: 0,
  isFlippedHorizontally: false,
  isFlippedVertically: false,
} as const;
const SQUARE = { width: 1, height: 1 };

describe('placeImage', () => {
  it('fits a wide image into the width and centres it', () => {
    const map = placeImage(200, 100, SQUARE, { width: 400, height: 400 }, VIEW);
    expect(toCanvas(map, imagePx(0, 0))).toMatchObject({ x: 0, y: 100 });
    expect(toCanvas(map, imagePx(200, 100))).toMatchObject({ x: 400, y: 300 });
  });

  it('turns clockwise as seen: the top left corner goes to the top right', () => {
    const map = placeImage(100, 100, SQUARE, { width: 100, height: 100 }, { ...VIEW, rotationDegrees: 90 });
    expect(toCanvas(map, imagePx(0, 0))).toMatchObject({ x: 100, y: 0 });
    expect(toCanvas(map, imagePx(100, 0))).toMatchObject({ x: 100, y: 100 });
  });

  it('mirrors columns before it turns', () => {
    const map = placeImage(100, 100, SQUARE, { width: 100, height: 100 }, { ...VIEW, isFlippedHorizontally: true });
    expect(toCanvas(map, imagePx(0, 10))).toMatchObject({ x: 100, y: 10 });
  });

  it('keeps the shape of pixels that are not square', () => {
    const map = placeImage(100, 50, { width: 1, height: 2 }, { width: 300, height: 300 }, VIEW);
    expect(map.a).toBeCloseTo(3);
    expect(map.d).toBeCloseTo(6);
  });

  it('is undone by toImage in every turn and mirror', () => {
    for (const rotationDegrees of [0, 90, 180, 270] as const) {
      for (const isFlippedVertically of [false, true]) {
        const view = { ...VIEW, zoom: 2.3, pan: [7, -5] as const, rotationDegrees, isFlippedVertically };
        const map = placeImage(512, 300, { width: 0.5, height: 0.7 }, { width: 390, height: 844 }, view);
        const back = toImage(map, toCanvas(map, imagePx(12.25, 99.5)));
        expect(back?.column).toBeCloseTo(12.25, 9);
        expect(back?.row).toBeCloseTo(99.5, 9);
      }
    }
  });
});

describe('letters', () => {
  it('names LPS directions, strongest first', () => {
    expect(letters([1, 0, 0])).toBe('L');
    expect(letters([0, -1, 0])).toBe('A');
    expect(letters([0, 0.5, -0.87])).toBe('FP');
  });
});
