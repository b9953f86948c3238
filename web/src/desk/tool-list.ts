/** Icons of the scene's actions, by name, and the buttons made of them. */
import { html, nothing, type TemplateResult } from 'lit';

import type { IconName } from '../panels/icon.js';
import { icon } from '../panels/icon.js';
import {
  choosePreset,
  flipHorizontally,
  flipVertically,
  invert,
  presetsOf,
  resetView,
  rotate,
  setLayout,
  toggleCine,
  TOOLS,
  type Action,
  type Scene,
} from '../scene/index.js';

const ICONS: Record<string, IconName> = {
  'tool-scroll': 'scroll',
  'tool-window': 'contrast',
  'tool-pan': 'hand',
  'tool-zoom': 'zoomIn',
  'tool-length': 'ruler',
  'tool-angle': 'angle',
  rotate: 'rotate',
  'flip-horizontally': 'flip',
  'flip-vertically': 'flipVertical',
  invert: 'invert',
  'reset-view': 'reset',
  'layout-stack': 'square',
  'layout-mpr': 'mpr',
};

/** Which of the page's looks: icons with a title, or icons with words. */
export type ButtonLook = 'icons' | 'words';

export interface ToolHandlers {
  perform(action: Action): void;
}

function withKey(action: Action): string {
  return action.shortcut === undefined ? action.label : `${action.label} (${action.shortcut})`;
}

export function renderAction(
  action: Action,
  look: ButtonLook,
  isPressed: boolean | undefined,
  handlers: ToolHandlers,
): TemplateResult {
  const name = ICONS[action.name];
  return html`<button class="tool" type="button" aria-label=${action.label} title=${withKey(action)}
    aria-pressed=${isPressed === undefined ? nothing : isPressed ? 'true' : 'false'} @click=${() => handlers.perform(action)}>
    ${name === undefined ? nothing : icon(name)}${look === 'words' ? html`<span>${action.label}</span>` : nothing}
  </button>`;
}

export function renderTools(scene: Scene, look: ButtonLook, handlers: ToolHandlers): TemplateResult {
  return html`<div class="group" role="group" aria-label="Tools">
    ${TOOLS.map((tool) => renderAction(tool, look, tool.name === `tool-${scene.tool}`, handlers))}
  </div>`;
}

export function renderView(scene: Scene, look: ButtonLook, handlers: ToolHandlers): TemplateResult {
  return html`<div class="group" role="group" aria-label="View">
    ${renderAction(rotate, look, undefined, handlers)}
    ${renderAction(flipHorizontally, look, scene.isFlippedHorizontally, handlers)}
    ${renderAction(flipVertically, look, scene.isFlippedVertically, handlers)}
    ${renderAction(invert, look, scene.isInverted, handlers)} ${renderAction(resetView, look, undefined, handlers)}
  </div>`;
}

/** Stack and three planes where the series allows both; nothing where there is no choice. */
export function renderLayouts(
  scene: Scene,
  isVolume: boolean,
  look: ButtonLook,
  handlers: ToolHandlers,
): TemplateResult | typeof nothing {
  if (!isVolume || scene.mprRefusal !== '') return nothing;
  return html`<div class="group" role="group" aria-label="Layout">
    ${renderAction(setLayout('stack'), look, scene.layout === 'stack', handlers)}
    ${renderAction(setLayout('mpr'), look, scene.layout === 'mpr', handlers)}
  </div>`;
}

export function renderCine(scene: Scene, look: ButtonLook, handlers: ToolHandlers): TemplateResult | typeof nothing {
  if (scene.series === null || scene.series.frameTimeMs === null || scene.layout !== 'stack') return nothing;
  const words = scene.cine.isPlaying ? 'Stop' : 'Play';
  return html`<button class="tool" type="button" aria-label=${words} title=${`${words} (space)`}
    @click=${() => handlers.perform(toggleCine)}>
    ${icon(scene.cine.isPlaying ? 'pause' : 'play')}${look === 'words' ? html`<span>${words}</span>` : nothing}
  </button>`;
}

export function renderPresets(scene: Scene, handlers: ToolHandlers): TemplateResult | typeof nothing {
  const presets = presetsOf(scene);
  if (presets.length === 0) return nothing;
  const at = presets.findIndex((preset) => preset.name === scene.window.name);
  return html`<label class="presets">
    <span class="unseen">Window preset</span>
    <select aria-label="Window preset" @change=${(event: Event) => {
      const preset = presets[Number((event.target as HTMLSelectElement).value)];
      if (preset !== undefined) handlers.perform(choosePreset(preset));
    }}>
      ${at >= 0 ? nothing : html`<option value="-1" selected>By hand</option>`}
      ${presets.map(
        (preset, index) => html`<option value=${index} .selected=${index === at}>${index + 1} ${preset.name}</option>`,
      )}
    </select>
  </label>`;
}
