/** What a reader must know before believing anything: status, limits, why this series. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import type { ImageView, SeriesView, StudyView } from '../words/index.js';
import { icon } from './icon.js';
import { look } from './look.js';
import { findWarnings, listChoices, listImageNotes, type Choice } from './notices.js';

@customElement('ov-notices')
export class OvNotices extends LitElement {
  @property({ attribute: false }) study!: StudyView;
  @property({ attribute: false }) series: SeriesView | undefined;
  @property({ attribute: false }) image: ImageView | undefined;
  /** `banner`: the warnings alone; `notes`: everything else. */
  @property() show: 'banner' | 'notes' = 'notes';

  static override styles = [
    look,
    css`
      :host {
        display: block;
        font-size: var(--ov-size-small);
      }
      .banner {
        display: flex;
        gap: 8px;
        align-items: flex-start;
        padding: 8px 12px;
        border-bottom: 1px solid var(--ov-line);
        color: var(--ov-caution);
      }
      .notes {
        display: grid;
        gap: 8px;
        padding: 12px;
      }
      h3 {
        font-size: var(--ov-size-small);
        font-weight: 600;
        color: var(--ov-muted);
      }
      .note {
        display: flex;
        gap: 8px;
      }
      .note .icon {
        color: var(--ov-muted);
      }
      .choice + .choice {
        margin-top: 4px;
      }
      summary {
        min-height: 24px;
        color: var(--ov-muted);
        cursor: pointer;
      }
      details[open] summary {
        margin-bottom: 4px;
      }
    `,
  ];

  override render(): TemplateResult {
    return this.show === 'banner' ? this.renderBanner() : this.renderNotes();
  }

  private renderBanner(): TemplateResult {
    const warnings = findWarnings(this.study);
    if (this.study.is_synthetic) warnings.push('Synthetic study: made by Overread, not a patient');
    return html`${warnings.map(
      (words) => html`<p class="banner" role="note">${icon('triangleAlert', 16)}<span>${words}</span></p>`,
    )}`;
  }

  private renderNotes(): TemplateResult {
    const notes = [
      ...listImageNotes(this.image, this.series),
      ...this.study.results.flatMap(({ result }) => result.notices),
    ];
    const choices = listChoices(this.study.series);
    const chosen = choices.filter((choice) => choice.isChosen);
    const refused = choices.filter((choice) => !choice.isChosen);
    if (notes.length + choices.length === 0) return html``;
    return html`<section class="notes" aria-label="Notices">
      ${[...new Set(notes)].map((words) => html`<p class="note">${icon('info', 16)}<span>${words}</span></p>`)}
      ${chosen.length === 0 ? nothing : html`<div><h3>Read by</h3>${chosen.map((choice) => this.renderChoice(choice))}</div>`}
      ${refused.length === 0
        ? nothing
        : html`<details>
            <summary>Not read (${refused.length}), and why</summary>
            ${refused.map((choice) => this.renderChoice(choice))}
          </details>`}
    </section>`;
  }

  private renderChoice(choice: Choice): TemplateResult {
    const verb = choice.isChosen ? 'chosen by' : 'not taken by';
    return html`<p class="choice">
      ${choice.series}: ${verb} ${choice.model}${choice.reason === ''
        ? nothing
        : html`<br /><span class="muted">because: ${choice.reason}</span>`}
    </p>`;
  }
}
