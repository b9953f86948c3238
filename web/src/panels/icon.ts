/** Icons of one kept set (Lucide, ISC licence). Only those named here reach the bundle. */
import { html, type TemplateResult } from 'lit';
import { unsafeSVG } from 'lit/directives/unsafe-svg.js';

import archiveX from 'lucide-static/icons/archive-x.svg?raw';
import arrowLeft from 'lucide-static/icons/arrow-left.svg?raw';
import box from 'lucide-static/icons/box.svg?raw';
import check from 'lucide-static/icons/check.svg?raw';
import chevronDown from 'lucide-static/icons/chevron-down.svg?raw';
import chevronUp from 'lucide-static/icons/chevron-up.svg?raw';
import circleAlert from 'lucide-static/icons/circle-alert.svg?raw';
import contrast from 'lucide-static/icons/contrast.svg?raw';
import ellipsis from 'lucide-static/icons/ellipsis.svg?raw';
import eye from 'lucide-static/icons/eye.svg?raw';
import eyeOff from 'lucide-static/icons/eye-off.svg?raw';
import flip from 'lucide-static/icons/flip-horizontal-2.svg?raw';
import flipVertical from 'lucide-static/icons/flip-vertical-2.svg?raw';
import hand from 'lucide-static/icons/hand.svg?raw';
import info from 'lucide-static/icons/info.svg?raw';
import invert from 'lucide-static/icons/sun-moon.svg?raw';
import keyboard from 'lucide-static/icons/keyboard.svg?raw';
import logOut from 'lucide-static/icons/log-out.svg?raw';
import menu from 'lucide-static/icons/menu.svg?raw';
import mpr from 'lucide-static/icons/grid-2x2.svg?raw';
import panelLeft from 'lucide-static/icons/panel-left.svg?raw';
import pause from 'lucide-static/icons/pause.svg?raw';
import pencil from 'lucide-static/icons/pencil.svg?raw';
import play from 'lucide-static/icons/play.svg?raw';
import rotate from 'lucide-static/icons/rotate-cw.svg?raw';
import ruler from 'lucide-static/icons/ruler.svg?raw';
import scroll from 'lucide-static/icons/layers.svg?raw';
import angle from 'lucide-static/icons/triangle-right.svg?raw';
import shield from 'lucide-static/icons/shield.svg?raw';
import square from 'lucide-static/icons/square.svg?raw';
import theme from 'lucide-static/icons/moon.svg?raw';
import triangleAlert from 'lucide-static/icons/triangle-alert.svg?raw';
import undo from 'lucide-static/icons/undo-2.svg?raw';
import redo from 'lucide-static/icons/redo-2.svg?raw';
import reset from 'lucide-static/icons/maximize.svg?raw';
import wifi from 'lucide-static/icons/wifi.svg?raw';
import wifiOff from 'lucide-static/icons/wifi-off.svg?raw';
import refresh from 'lucide-static/icons/refresh-cw.svg?raw';
import x from 'lucide-static/icons/x.svg?raw';
import zoomIn from 'lucide-static/icons/zoom-in.svg?raw';
import pan from 'lucide-static/icons/move.svg?raw';

const ICONS = {
  archiveX, arrowLeft, box, check, chevronDown, chevronUp, circleAlert, contrast, ellipsis, eye,
  eyeOff, flip, flipVertical, hand, info, invert, keyboard, logOut, menu, mpr, panelLeft, pause, pencil, play,
  rotate, ruler, scroll, angle, shield, square, theme, triangleAlert, undo, redo, reset, wifi,
  wifiOff, refresh, x, zoomIn, pan,
} as const;

export type IconName = keyof typeof ICONS;

/** A picture only: whatever holds it carries the word for the screen reader. */
export function icon(name: IconName, size: 16 | 20 | 24 = 20): TemplateResult {
  return html`<span class="icon" data-size=${size} aria-hidden="true">${unsafeSVG(ICONS[name])}</span>`;
}
