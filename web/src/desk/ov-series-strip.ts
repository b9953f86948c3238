/** The study's series, each with its picture and why a model took it. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';

import { look } from '../panels/look.js';
import { formatSeries } from '../panels/notices.js';
import { emit } from '../panels/signal.js';
import type { SeriesView } from '../words/index.js';

@customElement('ov-series-strip')
export class OvSeriesStrip extends LitElement {
  @property({ attribute: false }) series: readonly SeriesView[] = [];
  /** Series Instance UID of the one on the screen. */
  @property() open = '';

  static override styles = [
    look,
    css`
      ul {
        display: grid;
        gap: 4px;
      }
      :host(.across) ul {
        display: flex;
        overflow-x: auto;
      }
      button {
        display: block;
        width: 56px;
        padding: 3px;
        border: 1px solid transparent;
        border-radius: var(--ov-radius);
        background: none;
        color: var(--ov-muted);
        font-size: 11px;
        line-height: 14px;
        text-align: center;
      }
      button:hover {
        background: var(--ov-raised);
      }
      button[aria-current='true'] {
        border-color: var(--ov-text);
        color: var(--ov-text);
      }
      img {
        display: block;
        width: 48px;
        height: 48px;
        margin-bottom: 2px;
        border-radius: 3px;
        background: var(--ov-image-ground);
        object-fit: contain;
      }
      .chosen {
        display: inline-block;
        width: 7px;
        height: 7px;
        margin-right: 3px;
        border: 1px dashed var(--ov-ai);
        border-radius: 50%;
      }
    `,
  ];

  override render(): TemplateResult {
    return html`<ul>
      ${this.series.map((series) => this.renderSeries(series))}
    </ul>`;
  }

  private renderSeries(series: SeriesView): TemplateResult {
    const chosen = series.suitability.filter((one) => one.is_chosen);
    const why = chosen.map((one) => `chosen by ${one.model} because: ${one.reason}`);
    if (series.is_made_by_overread) why.push('made by Overread');
    // The visible words come first, so that what is said is what is seen.
    const words = [`${series.modality} ${series.image_count}`, formatSeries(series), `${series.image_count} ${series.image_count === 1 ? 'image' : 'images'}`, ...why].join('; ');
    return html`<li>
      <button type="button" title=${words} aria-label=${words} data-series-uid=${series.series_instance_uid}
        aria-current=${series.series_instance_uid === this.open ? 'true' : 'false'}
        @click=${() => emit(this, 'ov-open-series', series)}>
        <img src=${series.thumbnail_url} alt="" width="48" height="48" loading="lazy" decoding="async" />
        ${chosen.length > 0 ? html`<span class="chosen"></span>` : nothing}${series.modality} ${series.image_count}
      </button>
    </li>`;
  }
}
