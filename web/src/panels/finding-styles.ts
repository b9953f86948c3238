import { css } from 'lit';

/** The look of the findings list: AI dashed and blue, a person solid and yellow. */
export const findingStyles = css`
  :host {
    display: block;
  }
  h3 {
    padding: 12px 12px 4px;
    font-size: var(--ov-size-small);
    font-weight: 600;
    color: var(--ov-muted);
  }
  h3 .muted {
    font-weight: 400;
  }
  .state {
    display: grid;
    gap: 8px;
    justify-items: start;
    padding: 12px;
  }
  .skeleton.a {
    width: 80%;
    height: 16px;
  }
  .skeleton.b {
    width: 50%;
    height: 14px;
  }
  .skeleton.c {
    width: 90%;
    height: 22px;
  }
  .item {
    position: relative;
    padding: 8px 12px 12px;
    border-bottom: 1px solid var(--ov-line);
    cursor: pointer;
  }
  .item:hover {
    background: color-mix(in srgb, var(--ov-raised) 50%, transparent);
  }
  .item[aria-selected='true'] {
    background: var(--ov-raised);
  }
  .item.is-flagged::before {
    position: absolute;
    inset: 0 auto 0 0;
    width: 3px;
    background: var(--ov-critical);
    content: '';
  }
  .item:focus-visible {
    outline-offset: -2px;
  }
  .head {
    display: flex;
    gap: 4px;
    align-items: center;
  }
  .label {
    flex: 1;
    min-width: 0;
    font-weight: 600;
    line-height: 1.3;
  }
  .eye {
    min-width: 28px;
    width: 28px;
    height: 28px;
    padding: 0;
    border-color: transparent !important;
    background: none !important;
  }
  .eye[aria-pressed='true'] {
    color: var(--ov-ai);
  }
  .facts {
    margin-bottom: 6px;
  }
  .facts b {
    white-space: nowrap;
  }
  dl {
    display: grid;
    grid-template-columns: 1fr auto;
    gap: 0 8px;
    margin-bottom: 6px;
    color: var(--ov-muted);
    font-size: var(--ov-size-small);
  }
  dd {
    color: var(--ov-text);
    text-align: right;
  }
  .verdicts {
    margin-top: 8px;
  }
  .verdict {
    display: flex;
    gap: 6px;
    align-items: center;
    padding: 2px 0 2px 8px;
    border-left: 2px solid var(--ov-person);
    color: var(--ov-person);
    font-size: var(--ov-size-small);
  }
  .verdict > span:not(.icon) {
    flex: 1;
    min-width: 0;
  }
  .verdict em {
    color: var(--ov-muted);
    font-style: normal;
  }
  .verdict.is-refused em {
    color: var(--ov-caution);
  }
  .undo {
    height: 28px;
    min-width: 28px;
    padding: 0 6px;
    font-size: var(--ov-size-small);
  }
  .actions {
    display: flex;
    gap: 4px;
    margin-top: 8px;
  }
  .actions .button {
    flex: 1;
    gap: 4px;
    min-height: 32px;
    padding: 0 4px;
    border-color: var(--ov-line-strong);
    font-size: var(--ov-size-small);
  }
  .actions .person {
    border-color: var(--ov-person);
    color: var(--ov-person);
  }
  .adjusting {
    margin-top: 8px;
    padding-left: 8px;
    border-left: 2px solid var(--ov-person);
    font-size: var(--ov-size-small);
  }
  .reasons {
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
    align-items: center;
    margin-top: 8px;
    padding-left: 8px;
    border-left: 2px solid var(--ov-person);
  }
  .reasons .why {
    display: flex;
    align-items: center;
    justify-content: space-between;
    width: 100%;
  }
  :host([view='one']) .reasons {
    display: grid;
    grid-template-columns: repeat(3, 1fr);
    margin-top: 4px;
  }
  :host([view='one']) .reasons .why {
    grid-column: 1 / -1;
  }
  .reasons .button {
    min-height: 32px;
    padding: 0 8px;
    font-size: var(--ov-size-small);
  }
  .reasons .tool {
    height: 32px;
    font-size: var(--ov-size-small);
  }
  .pager {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
  }
  :host([view='one']) .item {
    padding: 0 16px 8px;
    border-bottom: 0;
    background: none;
  }
  :host([view='one']) .item.is-flagged::before {
    left: 0;
  }
  :host([view='one']) .one {
    touch-action: pan-y;
    user-select: none;
  }
  :host([view='one']) .label {
    font-size: var(--ov-size-large);
  }
  :host([view='one']) .actions {
    gap: 8px;
  }
  :host([view='one']) .actions .button,
  :host([view='one']) .reasons .button {
    min-height: 44px;
    font-size: var(--ov-size);
  }
  :host([view='one']) .reasons .button {
    min-height: 40px;
    padding: 0 2px;
    font-size: var(--ov-size-small);
  }
  @media (pointer: coarse) {
    .actions .button,
    .undo {
      min-height: 44px;
    }
    .eye {
      width: 44px;
      height: 36px;
    }
  }
`;
