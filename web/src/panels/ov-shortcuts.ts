/** The list of keys, made from the actions themselves; each can be changed, all switched off. */
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';

import { icon } from './icon.js';
import { look } from './look.js';
import { emit } from './signal.js';

export interface Keyed {
  readonly name: string;
  readonly label: string;
  readonly shortcut?: string;
}

const WORDS: Record<string, string> = {
  ' ': 'Space',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  PageUp: 'Page up',
  PageDown: 'Page down',
  Escape: 'Esc',
};

/** Keys that must keep their meaning in every page. */
const RESERVED: ReadonlySet<string> = new Set(['Tab', 'Shift', 'Control', 'Alt', 'Meta', 'Escape']);

@customElement('ov-shortcuts')
export class OvShortcuts extends LitElement {
  @property({ attribute: false }) actions: readonly Keyed[] = [];
  @property({ attribute: false }) changed: Readonly<Record<string, string>> = {};
  @property({ attribute: false }) areKeysOn = true;
  @state() private waitingFor = '';
  @query('dialog') private dialog!: HTMLDialogElement;

  static override styles = [
    look,
    css`
      dialog {
        width: min(560px, calc(100vw - 32px));
        max-height: min(720px, calc(100dvh - 32px));
        padding: 0;
        border: 1px solid var(--ov-line-strong);
        border-radius: var(--ov-radius);
        background: var(--ov-surface);
        color: var(--ov-text);
        box-shadow: var(--ov-shadow);
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 55%);
      }
      header {
        position: sticky;
        top: 0;
        display: flex;
        align-items: center;
        justify-content: space-between;
        padding: 8px 8px 8px 16px;
        border-bottom: 1px solid var(--ov-line);
        background: var(--ov-surface);
      }
      h2 {
        font-size: var(--ov-size-large);
        font-weight: 600;
      }
      .switch {
        display: flex;
        gap: 8px;
        align-items: center;
        padding: 12px 16px;
        min-height: 24px;
      }
      ul {
        padding: 0 16px 12px;
        columns: 2;
        column-gap: 24px;
      }
      li {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 8px;
        min-height: 32px;
        break-inside: avoid;
      }
      kbd {
        font: 12px ui-monospace, 'DejaVu Sans Mono', monospace;
      }
      .key {
        flex: none;
        min-width: 32px;
        min-height: 24px;
        padding: 0 8px;
        border: 1px solid var(--ov-line-strong);
        border-radius: 4px;
        background: var(--ov-raised);
        white-space: nowrap;
      }
      .foot {
        padding: 0 16px 16px;
      }
      @media (max-width: 559px) {
        ul {
          columns: 1;
        }
      }
    `,
  ];

  protected override firstUpdated(): void {
    this.dialog.showModal();
  }

  override render(): TemplateResult {
    return html`<dialog aria-labelledby="keys" @close=${() => emit(this, 'ov-close-shortcuts')} @keydown=${this.take}>
      <header>
        <h2 id="keys">Keys</h2>
        <button class="tool" type="button" aria-label="Close" @click=${() => this.dialog.close()}>${icon('x')}</button>
      </header>
      <label class="switch">
        <input type="checkbox" .checked=${this.areKeysOn} @change=${(event: Event) =>
          emit(this, 'ov-prefer', { areKeysOn: (event.target as HTMLInputElement).checked })} />
        Keys are on
      </label>
      <ul>
        ${this.actions.map((action) => this.renderAction(action))}
      </ul>
      <p class="foot muted small">Choose a key to change it. <button class="tool" type="button" @click=${() => emit(this, 'ov-prefer', { keys: {} })}>All as delivered</button></p>
    </dialog>`;
  }

  private renderAction(action: Keyed): TemplateResult {
    const key = this.changed[action.name] ?? action.shortcut ?? '';
    const isWaiting = this.waitingFor === action.name;
    return html`<li>
      <span>${action.label}</span>
      <button class="key" type="button" aria-label=${`Change the key of ${action.label}`}
        @click=${() => (this.waitingFor = action.name)} @blur=${() => (this.waitingFor = '')}>
        ${isWaiting ? 'press a key' : html`<kbd>${WORDS[key] ?? key}</kbd>`}
      </button>
    </li>`;
  }

  private readonly take = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (this.waitingFor === '' || RESERVED.has(event.key)) return;
    event.preventDefault();
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    emit(this, 'ov-prefer', { keys: { ...this.changed, [this.waitingFor]: key } });
    this.waitingFor = '';
  };
}
