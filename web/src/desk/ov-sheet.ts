/** A sheet at the foot of the phone's screen with three heights: chip line, list, full. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { icon } from '../panels/icon.js';
import { look } from '../panels/look.js';
import { emit } from '../panels/signal.js';

export type SheetHeight = 'chip' | 'list' | 'full';

const HEIGHTS: readonly SheetHeight[] = ['chip', 'list', 'full'];
const DRAG_PX = 32;

/** The next height up or down; the ends stay where they are. */
export function stepHeight(from: SheetHeight, by: 1 | -1): SheetHeight {
  return HEIGHTS[HEIGHTS.indexOf(from) + by] ?? from;
}

@customElement('ov-sheet')
export class OvSheet extends LitElement {
  @property({ reflect: true }) height: SheetHeight = 'list';
  /** Said at every height: what the claims may not be used for. */
  @property({ attribute: false }) banner = '';
  @state() private dragFrom: number | undefined;

  static override styles = [
    look,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        border-top: 1px solid var(--ov-line);
        border-radius: 12px 12px 0 0;
        background: var(--ov-surface);
      }
      section {
        display: flex;
        flex: 1;
        flex-direction: column;
        min-height: 0;
      }
      .handle {
        position: relative;
        display: flex;
        flex: none;
        gap: 6px;
        align-items: center;
        justify-content: center;
        height: 36px;
        padding: 8px 48px 0 16px;
        touch-action: none;
      }
      .handle::before {
        position: absolute;
        top: 6px;
        left: calc(50% - 18px);
        width: 36px;
        height: 4px;
        border-radius: 2px;
        background: var(--ov-line-strong);
        content: '';
      }
      .banner {
        display: flex;
        flex: 1;
        gap: 6px;
        align-items: center;
        min-width: 0;
        color: var(--ov-caution);
        font-size: 11px;
      }
      .banner span:last-child {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .step {
        position: absolute;
        top: 0;
        right: 4px;
        width: 44px;
        height: 36px;
        border: 0;
        background: none;
        color: var(--ov-muted);
      }
      .body {
        flex: 1;
        min-height: 0;
        overflow-y: auto;
        overscroll-behavior: contain;
        padding-bottom: env(safe-area-inset-bottom);
      }
      :host([height='chip']) .body {
        overflow: hidden;
      }
    `,
  ];

  override render(): TemplateResult {
    const isFull = this.height === 'full';
    return html`<section aria-label="Findings"><div class="handle" @pointerdown=${this.grab} @pointerup=${this.drop} @pointercancel=${() => (this.dragFrom = undefined)}>
        ${this.banner === '' ? nothing : html`<p class="banner" role="note">${icon('triangleAlert', 16)}<span>${this.banner}</span></p>`}
        <button class="step" type="button" aria-label=${isFull ? 'Make the findings smaller' : 'Make the findings larger'}
          @click=${() => this.become(isFull ? 'chip' : stepHeight(this.height, 1))}>${icon(isFull ? 'chevronDown' : 'chevronUp')}</button>
      </div>
      <div class="body"><slot></slot></div>
    </section>`;
  }

  private become(height: SheetHeight): void {
    if (height !== this.height) emit(this, 'ov-sheet', height);
  }

  private readonly grab = (event: PointerEvent): void => {
    if (event.composedPath().some((node) => node instanceof HTMLButtonElement)) return;
    this.dragFrom = event.clientY;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
  };

  private readonly drop = (event: PointerEvent): void => {
    const from = this.dragFrom;
    this.dragFrom = undefined;
    if (from === undefined) return;
    const moved = event.clientY - from;
    if (Math.abs(moved) >= DRAG_PX) this.become(stepHeight(this.height, moved < 0 ? 1 : -1));
    else this.become(this.height === 'chip' ? 'list' : 'chip');
  };
}
