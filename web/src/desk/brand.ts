/** The name and its sign. */
import { css, html, svg, type TemplateResult } from 'lit';

const styles = css`
  .brand {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    font-size: var(--ov-size-large);
    font-weight: 650;
    letter-spacing: -0.01em;
    text-decoration: none;
  }
  .brand svg {
    width: 1.4em;
    height: 1.4em;
  }
`;

const sign = svg`
  <circle cx="12" cy="12" r="9.5" fill="none" stroke="currentColor" stroke-width="2" />
  <circle cx="15" cy="10" r="4.2" fill="none" stroke="var(--ov-ai)" stroke-width="1.8" stroke-dasharray="2.4 1.8" />
`;

export const brand = {
  styles,
  render(): TemplateResult {
    return html`<span class="brand"><svg viewBox="0 0 24 24" aria-hidden="true">${sign}</svg>Overread</span>`;
  },
};
