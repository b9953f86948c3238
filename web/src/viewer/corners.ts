/** Small words in the corners and at the edges; nothing of it lies over anatomy. */
import type { Scene } from '../scene/index.js';
import type { Affine2, ImageView } from '../words/index.js';
import { edgeLetters } from './placement.js';
import { chipOf } from './shapes.js';
import { html } from './svg.js';

export interface Corners {
  draw(scene: Scene, image: ImageView, map: Affine2): void;
  say(problem: string): void;
  dispose(): void;
}

export function createCorners(parent: HTMLElement): Corners {
  const chip = html('div', 'ov-corner ov-chip');
  chip.setAttribute('data-ai-chip', '');
  const place = html('div', 'ov-corner ov-place');
  const notes = html('div', 'ov-corner ov-notes');
  const problem = html('div', 'ov-problem');
  problem.setAttribute('role', 'status');
  problem.hidden = true;
  const edges = {
    top: html('div', 'ov-edge ov-edge-top'),
    right: html('div', 'ov-edge ov-edge-right'),
    bottom: html('div', 'ov-edge ov-edge-bottom'),
    left: html('div', 'ov-edge ov-edge-left'),
  };
  const all = [chip, place, notes, problem, ...Object.values(edges)];
  parent.append(...all);

  return {
    draw(scene, image, map) {
      const count = scene.series?.images.length ?? 0;
      const { center, width } = scene.window;
      const lines = [
        count > 1 ? `${scene.index + 1}/${count}` : '',
        `W${Math.round(width)} L${Math.round(center)}`,
        scene.zoom === 1 ? '' : `×${scene.zoom.toFixed(1)}`,
      ];
      place.textContent = lines.filter((line) => line !== '').join('  ');
      const remarks = [
        image.is_lossy ? image.lossy_note || 'lossy compression' : '',
        image.plane === null || !image.is_spacing_trustworthy
          ? `measured in px: ${image.spacing_note || 'no trustworthy spacing'}`
          : '',
      ];
      notes.textContent = remarks.filter((remark) => remark !== '').join(' · ');
      chip.textContent = chipOf(scene, image);
      chip.hidden = chip.textContent === '';
      const letters = image.plane === null ? undefined : edgeLetters(image.plane, map);
      for (const [edge, element] of Object.entries(edges)) {
        element.textContent = letters?.[edge as keyof typeof edges] ?? '';
      }
    },
    say(words) {
      problem.textContent = words;
      problem.hidden = words === '';
    },
    dispose() {
      for (const element of all) element.remove();
    },
  };
}
