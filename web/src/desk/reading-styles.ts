import { css } from 'lit';

/** The reading page: on a desktop 70 % of the window is image, on a phone 60 % of the height. */
export const readingStyles = css`
  :host {
    display: block;
  }
  .page {
    display: grid;
    grid-template: 44px minmax(0, 1fr) 24px / auto minmax(0, 1fr) 280px;
    grid-template-areas: 'bar bar bar' 'strip stage panel' 'foot foot foot';
    height: 100dvh;
    overflow: hidden;
    background: var(--ov-ground);
  }
  .bar {
    display: flex;
    grid-area: bar;
    gap: 4px;
    align-items: center;
    min-width: 0;
    padding: 0 8px;
    border-bottom: 1px solid var(--ov-line);
    background: var(--ov-surface);
  }
  .bar > .tool,
  .bar .group .tool {
    min-width: 34px;
    padding: 0 6px;
  }
  .title {
    display: flex;
    flex: 0 1 auto;
    gap: 8px;
    align-items: baseline;
    min-width: 0;
    margin: 0 4px;
    overflow: hidden;
    white-space: nowrap;
  }
  .title b {
    display: flex;
    flex: 0 1 auto;
    min-width: 0;
    font-weight: 600;
  }
  .title .what {
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .title .person {
    flex: none;
  }
  .title .who {
    flex: 0 1000 auto;
    min-width: 0;
    overflow: hidden;
    color: var(--ov-muted);
    text-overflow: ellipsis;
  }
  .title .line {
    width: 160px;
    height: 14px;
  }
  .group {
    display: flex;
    flex: none;
    gap: 2px;
  }
  .group + .group,
  .presets + .group {
    padding-left: 6px;
    border-left: 1px solid var(--ov-line);
  }
  .presets {
    flex: none;
  }
  .presets select {
    height: 32px;
    padding: 0 4px;
    border: 1px solid var(--ov-line-strong);
    border-radius: var(--ov-radius);
    background: var(--ov-surface);
    color: var(--ov-text);
    font: inherit;
  }
  .space {
    flex: 1;
  }
  .ai {
    display: flex;
    flex: none;
    gap: 6px;
    align-items: center;
  }
  .ai input {
    width: 72px;
    accent-color: var(--ov-ai);
  }
  .ai .percent {
    width: 36px;
  }
  .ai-switch {
    touch-action: none;
    user-select: none;
    -webkit-touch-callout: none;
  }
  .ai-dot {
    width: 12px;
    height: 12px;
    border: 2px dashed currentColor;
    border-radius: 50%;
  }
  .ai-switch[aria-pressed='true'] {
    border: 1px dashed var(--ov-ai);
    color: var(--ov-ai);
  }
  .strip {
    grid-area: strip;
    width: 64px;
    padding: 4px 3px;
    overflow-y: auto;
    border-right: 1px solid var(--ov-line);
    background: var(--ov-surface);
  }
  .strip.is-closed {
    width: 32px;
    padding: 4px 0;
  }
  .fold {
    width: 100%;
    min-width: 28px;
    height: 28px;
    padding: 0;
    margin-bottom: 4px;
  }
  .stage {
    position: relative;
    grid-area: stage;
    min-width: 0;
    min-height: 0;
    background: var(--ov-image-ground);
  }
  .viewer {
    position: absolute;
    inset: 0;
  }
  .failure {
    position: absolute;
    inset: 0;
    display: grid;
    gap: 12px;
    place-content: center;
    justify-items: center;
    padding: 24px;
    background: var(--ov-ground);
    text-align: center;
  }
  .problem {
    position: absolute;
    bottom: 8px;
    left: 8px;
    display: flex;
    gap: 8px;
    align-items: flex-start;
    max-width: min(480px, calc(100% - 16px));
    padding: 6px 10px;
    border: 1px solid var(--ov-line-strong);
    border-radius: var(--ov-radius);
    background: var(--ov-surface);
    color: var(--ov-caution);
    font-size: var(--ov-size-small);
  }
  .panel {
    display: flex;
    grid-area: panel;
    flex-direction: column;
    min-height: 0;
    border-left: 1px solid var(--ov-line);
    background: var(--ov-surface);
  }
  .panel h2 {
    padding: 10px 12px;
    border-bottom: 1px solid var(--ov-line);
    font-size: var(--ov-size);
    font-weight: 600;
    line-height: 20px;
  }
  .scroll {
    flex: 1;
    min-height: 0;
    overflow-y: auto;
  }
  footer {
    display: flex;
    grid-area: foot;
    gap: 16px;
    align-items: center;
    min-width: 0;
    padding: 0 12px;
    border-top: 1px solid var(--ov-line);
    background: var(--ov-surface);
    color: var(--ov-muted);
    font-size: var(--ov-size-small);
    white-space: nowrap;
  }
  footer .connection,
  .foot-words .connection {
    vertical-align: text-bottom;
  }
  footer .words {
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .foot-words {
    padding: 12px 16px;
    color: var(--ov-muted);
    font-size: var(--ov-size-small);
  }

  @media (max-width: 1199px) {
    .title .who,
    .ai .percent {
      display: none;
    }
    .title .what {
      min-width: 72px;
    }
  }

  .page.phone {
    grid-template: 44px minmax(0, 1fr) 286px / minmax(0, 1fr);
    grid-template-areas: 'bar' 'stage' 'sheet';
  }
  .page.phone.is-chip {
    grid-template-rows: 44px minmax(0, 1fr) 108px;
  }
  .phone .bar {
    padding: 0 4px;
  }
  .phone .bar > .tool,
  .phone .ai .tool {
    min-width: 44px;
    height: 44px;
  }
  .phone .title {
    display: block;
    flex: 1;
    margin: 0 4px;
  }
  .phone .title b {
    line-height: 18px;
  }
  .phone .title .connection {
    font-size: 11px;
    line-height: 14px;
  }
  .phone .space {
    display: none;
  }
  ov-sheet {
    grid-area: sheet;
  }
  .phone.is-full ov-sheet {
    position: relative;
    z-index: 2;
    height: calc(100dvh - 44px - 160px);
    margin-top: calc(286px - (100dvh - 44px - 160px));
    box-shadow: var(--ov-shadow);
  }
  .chip-line {
    display: grid;
    gap: 2px;
    justify-items: start;
    padding: 0 16px;
  }
  .chip-line b {
    max-width: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  dialog.menu {
    width: 100vw;
    max-width: none;
    max-height: 80dvh;
    margin: auto 0 0;
    padding: 0;
    border: 0;
    border-top: 1px solid var(--ov-line);
    border-radius: 12px 12px 0 0;
    background: var(--ov-surface);
    color: var(--ov-text);
  }
  dialog.menu::backdrop {
    background: rgb(0 0 0 / 45%);
  }
  .menu-body {
    display: grid;
    gap: 12px;
    padding: 16px 16px calc(16px + env(safe-area-inset-bottom));
  }
  .menu-body .group {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: 4px;
    padding: 0;
    border: 0;
  }
  .menu-body .tool {
    justify-content: flex-start;
    height: 44px;
    color: var(--ov-text);
  }
  .menu-body select,
  .menu-body .button {
    width: 100%;
    height: 44px;
  }
`;
