/** Styles that all components share; colours and sizes come from tokens.css. */
import { css } from 'lit';

export const look = css`
  :host {
    font: var(--ov-size) / 1.45 var(--ov-font);
    font-variant-numeric: tabular-nums;
    color: var(--ov-text);
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  :focus-visible {
    outline: 2px solid var(--ov-text);
    outline-offset: 2px;
    border-radius: 2px;
  }
  .icon {
    display: inline-flex;
    flex: none;
    width: 20px;
    height: 20px;
  }
  .icon[data-size='16'] {
    width: 16px;
    height: 16px;
  }
  .icon[data-size='24'] {
    width: 24px;
    height: 24px;
  }
  .icon svg {
    width: 100%;
    height: 100%;
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  a {
    color: inherit;
  }
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-height: 36px;
    padding: 0 12px;
    border: 1px solid var(--ov-line-strong);
    border-radius: var(--ov-radius);
    background: transparent;
    white-space: nowrap;
    text-decoration: none;
    transition: background-color var(--ov-motion);
  }
  .button:hover {
    background: var(--ov-raised);
  }
  .button.primary {
    border-color: var(--ov-text);
    background: var(--ov-text);
    color: var(--ov-ground);
    font-weight: 600;
  }
  .button.primary:hover {
    background: color-mix(in srgb, var(--ov-text) 86%, var(--ov-ground));
  }
  .tool {
    display: inline-flex;
    flex: none;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-width: 36px;
    height: 36px;
    padding: 0 8px;
    border: 1px solid transparent;
    border-radius: var(--ov-radius);
    background: transparent;
    color: var(--ov-muted);
    white-space: nowrap;
    text-decoration: none;
    transition:
      background-color var(--ov-motion),
      color var(--ov-motion);
  }
  .tool:hover {
    background: var(--ov-raised);
    color: var(--ov-text);
  }
  .tool[aria-pressed='true'],
  .tool[aria-checked='true'],
  .tool[aria-current='page'] {
    border-color: var(--ov-line-strong);
    background: var(--ov-raised);
    color: var(--ov-text);
  }
  button:disabled {
    cursor: default;
  }
  .muted {
    color: var(--ov-muted);
  }
  .small {
    font-size: var(--ov-size-small);
  }
  .tag {
    display: inline-block;
    padding: 0 4px;
    border: 1px solid var(--ov-line-strong);
    border-radius: 4px;
    color: var(--ov-muted);
    font-size: 11px;
    font-weight: 600;
    letter-spacing: 0.04em;
    line-height: 16px;
    text-transform: uppercase;
    vertical-align: 1px;
    white-space: nowrap;
  }
  .skeleton {
    border-radius: 4px;
    background: var(--ov-raised);
  }
`;
