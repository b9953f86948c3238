/** Whether what is on the screen is fresh: a picture and a word, never a colour alone. */
import { css, html, type TemplateResult } from 'lit';

import type { LiveState } from '../client/index.js';
import { icon, type IconName } from '../panels/icon.js';

const LOOKS: Record<LiveState, readonly [IconName, string]> = {
  live: ['wifi', 'live'],
  reconnecting: ['refresh', 'reconnecting'],
  offline: ['wifiOff', 'offline'],
  stopped: ['refresh', 'connecting'],
};

const styles = css`
  .connection {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    color: var(--ov-muted);
    font-size: var(--ov-size-small);
    white-space: nowrap;
  }
  .connection[data-state='live'] .icon {
    color: var(--ov-good);
  }
  .connection[data-state='offline'],
  .connection[data-state='reconnecting'] {
    color: var(--ov-caution);
  }
`;

/** "offline, 1 verdict waiting" */
export function formatConnection(state: LiveState, waiting: number): string {
  const word = LOOKS[state][1];
  if (waiting === 0) return word;
  return `${word}, ${waiting} ${waiting === 1 ? 'verdict' : 'verdicts'} waiting`;
}

export const connection = {
  styles,
  render(state: LiveState, waiting: number): TemplateResult {
    return html`<span class="connection" role="status" aria-label="Connection" data-state=${state}>
      ${icon(LOOKS[state][0], 16)}<span>${formatConnection(state, waiting)}</span>
    </span>`;
  },
};
