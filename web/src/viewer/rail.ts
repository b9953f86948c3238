/** The bar at the right edge: where one stands in the stack, and where findings lie. */
import { goToIndex, type Scene, type SceneStore } from '../scene/index.js';
import { railMarks, type RailMark } from './shapes.js';
import { html } from './svg.js';

export interface Rail {
  draw(scene: Scene): void;
  dispose(): void;
}

export function createRail(parent: HTMLElement, store: SceneStore): Rail {
  const root = html('div', 'ov-rail');
  const track = html('div', 'ov-rail-track');
  const marks = html('div', 'ov-rail-marks');
  const thumb = html('div', 'ov-rail-thumb');
  track.append(marks, thumb);
  root.append(track);
  root.tabIndex = 0;
  root.setAttribute('role', 'slider');
  root.setAttribute('aria-label', 'Slice');
  root.setAttribute('aria-orientation', 'vertical');
  root.setAttribute('data-rail', '');
  parent.append(root);
  let marked: { series: unknown; results: unknown; all: RailMark[] } | undefined;

  function goTo(event: PointerEvent): void {
    const count = store.get().series?.images.length ?? 0;
    const box = track.getBoundingClientRect();
    if (box.height > 0) {
      store.perform(goToIndex(Math.floor(((event.clientY - box.top) / box.height) * count)));
    }
  }

  root.addEventListener('pointerdown', (event) => {
    event.stopPropagation();
    root.setPointerCapture(event.pointerId);
    goTo(event);
  });
  root.addEventListener('pointermove', (event) => {
    if (root.hasPointerCapture(event.pointerId)) goTo(event);
  });

  function drawMarks(scene: Scene, count: number): RailMark[] {
    if (marked?.series === scene.series && marked.results === scene.results) return marked.all;
    const all = railMarks(scene);
    marks.replaceChildren(
      ...all.map(({ index, isFlagged }) => {
        const mark = html('div', isFlagged ? 'ov-mark ov-mark-flagged' : 'ov-mark');
        mark.style.top = `${(index / count) * 100}%`;
        mark.style.height = `max(2px, ${100 / count}%)`;
        mark.dataset['index'] = String(index);
        return mark;
      }),
    );
    marked = { series: scene.series, results: scene.results, all };
    return all;
  }

  return {
    draw(scene) {
      const count = scene.series?.images.length ?? 0;
      root.hidden = count < 2 || scene.layout !== 'stack';
      if (root.hidden) return;
      const all = drawMarks(scene, count);
      marks.hidden = !scene.ai.isOn || scene.ai.isHeld;
      thumb.style.top = `${((scene.index + 0.5) / count) * 100}%`;
      const here = all.find(({ index }) => index === scene.index);
      const words = here === undefined ? '' : here.isFlagged ? ', flagged' : ', with a finding';
      root.setAttribute('aria-valuemin', '1');
      root.setAttribute('aria-valuemax', String(count));
      root.setAttribute('aria-valuenow', String(scene.index + 1));
      root.setAttribute('aria-valuetext', `Slice ${scene.index + 1} of ${count}${words}`);
    },
    dispose() {
      root.remove();
    },
  };
}
