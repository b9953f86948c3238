/** Window presets: centre and width in the modality's units (Hounsfield for CT). */
import { currentImage, type Scene, type WindowLevel } from './scene.js';

const CT: readonly WindowLevel[] = [
  { name: 'Brain', center: 40, width: 80 },
  { name: 'Subdural', center: 75, width: 215 },
  { name: 'Stroke', center: 40, width: 40 },
  { name: 'Bone', center: 600, width: 2800 },
  { name: 'Soft tissue', center: 50, width: 400 },
  { name: 'Lung', center: -600, width: 1500 },
];

const PRESET_LIMIT = 6;

/** What the keys 1 to 6 choose: the object's own windows first, then the modality's. */
export function presetsOf(scene: Scene): readonly WindowLevel[] {
  const own = (currentImage(scene)?.windows ?? []).map((window, position) => ({
    center: window.center,
    width: window.width,
    name: window.name || (position === 0 ? 'As stored' : `As stored ${position + 1}`),
  }));
  const usual = scene.series?.modality === 'CT' ? CT : widenings(own[0]);
  const all = scene.series?.modality === 'CT' ? [...CT.slice(0, 5), ...own.slice(0, 1)] : [...own, ...usual];
  return all.slice(0, PRESET_LIMIT);
}

/** Where no convention exists (MR, X-ray): the stored window, harder and softer. */
function widenings(stored: WindowLevel | undefined): readonly WindowLevel[] {
  if (stored === undefined) return [];
  return [
    { ...stored, width: Math.max(1, stored.width / 2), name: 'More contrast' },
    { ...stored, width: stored.width * 2, name: 'Less contrast' },
  ];
}

/** The window in which a series opens. */
export function firstWindow(scene: Scene): WindowLevel {
  const stored = currentImage(scene)?.windows[0];
  if (stored !== undefined) {
    return { center: stored.center, width: stored.width, name: stored.name || 'As stored' };
  }
  return presetsOf(scene)[0] ?? { center: 128, width: 256, name: 'Full range' };
}
