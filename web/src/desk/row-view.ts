/** One line of the worklist, drawn for a phone and for a desktop by the same markup. */
import { css, html, nothing, type TemplateResult } from 'lit';

import { icon } from '../panels/icon.js';
import {
  formatAgeSex,
  formatAgo,
  formatAnalysis,
  formatMoment,
  formatName,
  formatQuantity,
  formatShare,
  formatStudyTitle,
  formatVerdictKind,
} from '../panels/format.js';
import type { Row } from '../words/index.js';
import '../panels/ov-chip.js';

const styles = css`
  .row {
    position: relative;
    display: grid;
    grid-template-columns: 64px minmax(0, 1fr);
    gap: 2px 12px;
    align-items: start;
    padding: 12px 16px;
    border-bottom: 1px solid var(--ov-line);
    background: var(--ov-ground);
    color: inherit;
    text-decoration: none;
    transition: background-color var(--ov-motion);
  }
  .row:hover {
    background: var(--ov-surface);
  }
  .row:focus-visible {
    outline-offset: -3px;
  }
  .row.is-critical::before {
    position: absolute;
    inset: 0 auto 0 0;
    width: 4px;
    background: var(--ov-critical);
    content: '';
  }
  .thumb {
    grid-row: 1 / span 4;
    width: 64px;
    height: 64px;
    border-radius: 4px;
    background: var(--ov-image-ground);
    object-fit: contain;
  }
  .study,
  .claim,
  .analysis,
  .when {
    grid-column: 2;
    min-width: 0;
  }
  .title {
    display: flex;
    gap: 4px 8px;
    align-items: baseline;
    flex-wrap: wrap;
    font-size: var(--ov-size-large);
    font-weight: 600;
    line-height: 22px;
  }
  .title .person {
    font-weight: 400;
  }
  .critical {
    color: var(--ov-critical);
    font-size: var(--ov-size-small);
    font-weight: 700;
  }
  .who {
    overflow: hidden;
    color: var(--ov-muted);
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .flag {
    font-weight: 600;
  }
  .flag.is-rejected {
    color: var(--ov-muted);
    font-weight: 400;
    text-decoration: line-through;
  }
  .finding {
    color: var(--ov-text);
  }
  .claim ov-chip {
    margin-top: 4px;
  }
  .verdict {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    margin-left: 8px;
    vertical-align: bottom;
    color: var(--ov-person);
    font-size: var(--ov-size-small);
    white-space: nowrap;
  }
  .analysis {
    color: var(--ov-muted);
    overflow-wrap: anywhere;
  }
  .analysis .words {
    display: -webkit-box;
    overflow: hidden;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
  }
  .analysis .icon {
    margin-right: 6px;
    vertical-align: -3px;
    color: var(--ov-caution);
  }
  .bar {
    width: min(100%, 200px);
    height: 3px;
    margin-top: 6px;
    border-radius: 2px;
    background: var(--ov-raised);
    overflow: hidden;
  }
  .bar span {
    display: block;
    height: 100%;
    background: var(--ov-muted);
  }
  .when {
    color: var(--ov-muted);
    font-size: var(--ov-size-small);
  }
  .images::before {
    content: '· ';
  }
  @media (min-width: 1000px) {
    .images {
      display: block;
      font-size: var(--ov-size-small);
    }
    .images::before {
      content: '';
    }
    .row {
      grid-template-columns: 56px minmax(0, 1.1fr) minmax(0, 1.5fr) minmax(0, 1fr) 128px;
      gap: 0 20px;
      min-height: 80px;
      padding: 12px 24px;
    }
    .thumb {
      grid-row: 1;
      width: 56px;
      height: 56px;
    }
    .study,
    .claim,
    .analysis,
    .when {
      grid-row: 1;
    }
    .study {
      grid-column: 2;
    }
    .claim {
      grid-column: 3;
    }
    .analysis {
      grid-column: 4;
    }
    .when {
      grid-column: 5;
      font-size: var(--ov-size);
      text-align: right;
    }
  }
`;

function renderClaim(row: Row): TemplateResult {
  const { flag, verdict } = row;
  if (flag === null) return html`<div class="claim"></div>`;
  const isRejected = verdict === 'reject';
  const volume = flag.volume_ml === null ? '' : formatQuantity(flag.volume_ml, 'mL', null);
  const place = [flag.finding, volume].filter((part) => part !== '').join(' · ');
  return html`<div class="claim">
    <span class=${isRejected ? 'flag is-rejected' : 'flag'}>${flag.text}</span>${verdict === null
      ? nothing
      : html`<span class="verdict">${icon(isRejected ? 'x' : 'check', 16)}${formatVerdictKind(verdict)}</span>`}
    ${place === '' ? nothing : html`<div class="finding">${place}</div>`}
    <ov-chip .model=${flag.model} .version=${flag.model_version} .confidence=${flag.confidence}
      .status=${flag.model_status}></ov-chip>
  </div>`;
}

function renderAnalysis(row: Row): TemplateResult {
  const { state, share } = row.analysis;
  // A flag says more than "analysed, flagged"; the space stays so that columns line up.
  if (state === 'analysed' && row.flag !== null && row.analysis.message === '') {
    return html`<div class="analysis"></div>`;
  }
  const words = formatAnalysis(row);
  const needsCare = state === 'failed' || state === 'not_suitable' || row.analysis.message.startsWith('More');
  return html`<div class="analysis">
    <span class="words" title=${words}>${needsCare ? icon('circleAlert', 16) : nothing}${words}</span>
    ${state === 'analysing' && share !== null
      ? html`<div class="bar" role="progressbar" aria-label="Analysis" aria-valuemin="0" aria-valuemax="100"
          aria-valuenow=${Math.round(share * 100)} aria-valuetext=${formatShare(share)}>
          <span .style=${`width: ${Math.round(share * 100)}%`}></span>
        </div>`
      : nothing}
  </div>`;
}

function renderStudy(row: Row, isIdentityHidden: boolean): TemplateResult {
  const person = formatAgeSex(row.patient_age, row.patient_sex);
  const identity = [formatName(row.patient_name), row.patient_id].filter((part) => part !== '');
  return html`<div class="study">
    <div class="title">
      <span>${formatStudyTitle(row.modality, row.description, row.body_part)}${person === ''
        ? nothing
        : html`<span class="person"> ·&nbsp;${person.replaceAll(' ', '\u00a0')}</span>`}</span>
      ${row.is_critical ? html`<span class="critical">Critical</span>` : nothing}
      ${row.priority === 'routine' ? nothing : html`<span class="tag">${row.priority}</span>`}
      ${row.is_synthetic ? html`<span class="tag" title="Made by Overread, not a patient">Synthetic</span>` : nothing}
    </div>
    <div class="who">${isIdentityHidden ? 'Identity hidden' : identity.join(' · ') || 'No name'}</div>
  </div>`;
}

export const rowView = {
  styles,
  render(row: Row, nowMs: number, isIdentityHidden: boolean): TemplateResult {
    const images = `${row.instances_received} ${row.instances_received === 1 ? 'image' : 'images'}`;
    return html`<a class=${row.is_critical ? 'row is-critical' : 'row'} href=${`/studies/${row.study_instance_uid}`}>
      ${row.thumbnail_url === ''
        ? html`<span class="thumb"></span>`
        : html`<img class="thumb" src=${row.thumbnail_url} alt="" width="64" height="64" loading="lazy" decoding="async" />`}
      ${renderStudy(row, isIdentityHidden)} ${renderClaim(row)} ${renderAnalysis(row)}
      <div class="when" title=${`Received ${formatMoment(row.received_at)}`}>
        ${formatAgo(row.received_at, nowMs)} <span class="images">${images}</span>
      </div>
    </a>`;
  },
};
