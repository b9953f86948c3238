/** What a reader must know beside the findings, as lines. Pure. */
import type { ImageView, SeriesView, StudyView } from '../words/index.js';
import { formatStatusWarning } from './format.js';

/** "Series 2, Head 5 mm" */
export function formatSeries(series: Pick<SeriesView, 'series_number' | 'description' | 'modality'>): string {
  const number = series.series_number === null ? 'Series' : `Series ${series.series_number}`;
  const words = series.description.trim() || series.modality;
  return words === '' ? number : `${number}, ${words}`;
}

/** The banners of the study's models, each once; "" where all are cleared or nothing was run. */
export function findWarnings(study: Pick<StudyView, 'results'>): string[] {
  const statuses = study.results.map(({ result }) => formatStatusWarning(result.model_status));
  return [...new Set(statuses)].filter((words) => words !== '');
}

export interface Choice {
  readonly series: string;
  readonly model: string;
  readonly isChosen: boolean;
  readonly reason: string;
}

/** Which received series each model took or refused, the taken ones first. */
export function listChoices(series: readonly SeriesView[]): Choice[] {
  const received = series.filter((each) => !each.is_made_by_overread);
  const all = received.flatMap((each) =>
    each.suitability.map((one) => ({
      series: formatSeries(each),
      model: one.model,
      isChosen: one.is_chosen,
      reason: one.reason,
    })),
  );
  return [...all.filter((one) => one.isChosen), ...all.filter((one) => !one.isChosen)];
}

/** What limits the picture that is on the screen: spacing, loss, an uneven stack. */
export function listImageNotes(image: ImageView | undefined, series: SeriesView | undefined): string[] {
  const notes: string[] = [];
  if (image !== undefined && !image.is_spacing_trustworthy) {
    notes.push(image.spacing_note || 'No trustworthy pixel spacing: measured in px');
  }
  if (image?.is_lossy === true) notes.push(image.lossy_note || 'Lossy compression');
  if (series !== undefined && series.spacing.note !== '') notes.push(series.spacing.note);
  return notes;
}
