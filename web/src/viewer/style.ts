/** Colours and places of the viewer; a constructed sheet, so that a strict policy lets it pass. */
const CSS = `
.ov-viewer { position: relative; width: 100%; height: 100%; overflow: hidden; background: #000;
  color: #e6e9ec; font: 12px/1.35 system-ui, sans-serif; font-variant-numeric: tabular-nums;
  user-select: none; -webkit-user-select: none; -webkit-touch-callout: none; }
.ov-stage { position: absolute; inset: 0; overflow: hidden; touch-action: none; cursor: crosshair; }
.ov-stage[hidden], .ov-viewer [hidden] { display: none !important; }
.ov-picture, .ov-fills, .ov-overlay { position: absolute; inset: 0; width: 100%; height: 100%; }
.ov-fills, .ov-overlay { pointer-events: none; }
.ov-overlay { overflow: hidden; }
.ov-shape { fill: none; stroke-width: 1.5px; stroke-linejoin: round; }
.ov-shape.ov-ai { stroke: #56b4e9; stroke-dasharray: 5 3; }
.ov-shape.ov-rejected { stroke: #56b4e9; stroke-dasharray: 2 4; opacity: 0.5; }
.ov-shape.ov-verified { stroke: #fff; }
.ov-shape.ov-person { stroke: #f0e442; }
.ov-shape.ov-selected { stroke-width: 2px; }
.ov-leader { stroke: #56b4e9; stroke-width: 1px; opacity: 0.7; }
.ov-leader.ov-verified { stroke: #fff; }
.ov-label { font: 12px system-ui, sans-serif; fill: #56b4e9; paint-order: stroke;
  stroke: rgb(0 0 0 / 0.8); stroke-width: 3px; stroke-linejoin: round; }
.ov-label.ov-verified { fill: #fff; }
.ov-label.ov-person { fill: #f0e442; }
.ov-label.ov-rejected { opacity: 0.6; }
.ov-label.ov-selected { font-weight: 600; }
.ov-handle { fill: #0b0e11; stroke: #f0e442; stroke-width: 1.5px; }
.ov-corner { position: absolute; pointer-events: none; opacity: 0.85;
  text-shadow: 0 0 3px #000, 0 0 3px #000; max-width: 60%; }
.ov-chip { top: 8px; left: 8px; max-width: calc(50% - 20px); color: #56b4e9; opacity: 1; }
.ov-place { right: 32px; bottom: 8px; text-align: right; white-space: pre; color: #9aa4ae; }
.ov-notes { left: 8px; bottom: 8px; color: #e69f00; }
.ov-edge { position: absolute; pointer-events: none; color: #9aa4ae; text-shadow: 0 0 3px #000; }
.ov-edge-top { top: 8px; left: 50%; transform: translateX(-50%); }
.ov-edge-bottom { bottom: 8px; left: 50%; transform: translateX(-50%); }
.ov-edge-left { left: 8px; top: 50%; transform: translateY(-50%); }
.ov-edge-right { right: 32px; top: 50%; transform: translateY(-50%); }
.ov-problem { position: absolute; inset: auto 40px 40px 16px; padding: 8px 12px; border-radius: 6px;
  background: #1c2229; color: #e6e9ec; border-left: 3px solid #e69f00; }
.ov-rail { position: absolute; top: 0; right: 0; bottom: 0; width: 28px; touch-action: none;
  cursor: ns-resize; outline-offset: -2px; }
.ov-rail-track { position: absolute; inset: 12px 8px; background: rgb(42 50 59 / 0.7);
  border-radius: 3px; }
.ov-mark { position: absolute; left: 0; right: 0; background: #56b4e9; opacity: 0.35; }
.ov-mark-flagged { opacity: 0.95; left: -2px; right: -2px; }
.ov-rail-thumb { position: absolute; left: -4px; right: -4px; height: 4px; margin-top: -2px;
  border-radius: 2px; background: #e6e9ec; box-shadow: 0 0 0 1px #000; }
.ov-planes { position: absolute; inset: 0; display: grid; gap: 2px; background: #2a323b;
  grid-template: 1fr 1fr / 3fr 2fr; }
.ov-plane { position: relative; overflow: hidden; background: #000; touch-action: none; min-width: 0;
  min-height: 0; cursor: crosshair; }
.ov-plane:first-child { grid-row: 1 / 3; }
.ov-plane canvas, .ov-plane svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.ov-plane svg { pointer-events: none; }
.ov-plane-name { position: absolute; left: 8px; top: 8px; color: #9aa4ae; pointer-events: none;
  text-shadow: 0 0 3px #000; }
.ov-plane-chip { position: absolute; left: 8px; top: 26px; color: #56b4e9; pointer-events: none; }
.ov-plane-note { position: absolute; left: 8px; bottom: 8px; color: #e69f00; pointer-events: none;
  text-shadow: 0 0 3px #000; }
.ov-cross { stroke: #e6e9ec; stroke-width: 1px; opacity: 0.45; }
@media (orientation: portrait) {
  .ov-planes { grid-template: 3fr 2fr / 1fr 1fr; }
  .ov-plane:first-child { grid-row: 1; grid-column: 1 / 3; }
}
`;

const adopted = new WeakSet<Document | ShadowRoot>();

/** Give the sheet to the document or the shadow root that holds the element, once. */
export function adoptStyle(element: HTMLElement): void {
  const root = element.getRootNode();
  if (!(root instanceof Document || root instanceof ShadowRoot) || adopted.has(root)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  adopted.add(root);
}
