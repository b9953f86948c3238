/** What is to be drawn on one image, worked out without drawing it. */
import { isAiShown, isSameImage, type Scene } from '../scene/index.js';
import {
  sayConfidence,
  imagePx,
  type Finding,
  type ImagePx,
  type ImageRef,
  type Region,
  type Result,
  type ResultView,
  type Verdict,
} from '../words/index.js';

/** Who says it; each has a look of its own. */
export type Voice = 'ai' | 'verified' | 'rejected' | 'person';

export interface Outline {
  readonly kind: 'box' | 'contour' | 'line';
  readonly points: readonly ImagePx[];
  readonly voice: Voice;
  readonly result: Result;
  readonly finding: Finding;
  readonly isSelected: boolean;
}

export interface Fill {
  readonly kind: 'mask' | 'heatmap';
  readonly region: Extract<Region, { kind: 'mask' | 'heatmap' }>;
  /** Position in `region.slices`. */
  readonly slice: number;
  readonly finding: Finding;
}

export interface Shapes {
  readonly outlines: readonly Outline[];
  readonly fills: readonly Fill[];
}

const NOTHING: Shapes = { outlines: [], fills: [] };

/** The newest verdict of a finding that was not taken back. */
export function standingVerdict(view: ResultView, trackingUid: string): Verdict | undefined {
  const last = view.verdicts.filter((verdict) => verdict.tracking_uid === trackingUid).at(-1);
  return last?.kind === 'withdraw' ? undefined : last;
}

function point(pair: readonly number[]): ImagePx {
  return imagePx(pair[0] ?? 0, pair[1] ?? 0);
}

/** The images a region touches. */
export function imagesOf(region: Region): ImageRef[] {
  return region.kind === 'mask' || region.kind === 'heatmap'
    ? region.slices.map((slice) => slice.image)
    : [region.image];
}

/** Corners, vertices or ends; a box gives its four corners, clockwise from the top left. */
export function pointsOf(region: Extract<Region, { kind: 'box' | 'contour' | 'line' }>): ImagePx[] {
  switch (region.kind) {
    case 'box': {
      const from = point(region.top_left);
      const to = point(region.bottom_right);
      return [from, imagePx(to.column, from.row), to, imagePx(from.column, to.row)];
    }
    case 'contour':
      return region.points.map(point);
    case 'line':
      return [point(region.start), point(region.end)];
  }
}

function voiceOf(verdict: Verdict | undefined): Voice {
  if (verdict?.kind === 'accept') return 'verified';
  return verdict?.kind === 'reject' ? 'rejected' : 'ai';
}

/** Everything of all results that lies on this image and is not switched off. */
export function shapesOn(scene: Scene, image: ImageRef): Shapes {
  if (!isAiShown(scene)) return NOTHING;
  const outlines: Outline[] = [];
  const fills: Fill[] = [];
  for (const view of scene.results) {
    for (const finding of view.result.findings) {
      if (scene.ai.hidden.has(finding.tracking_uid)) continue;
      const verdict = standingVerdict(view, finding.tracking_uid);
      const about = {
        result: view.result,
        finding,
        isSelected: scene.selected?.trackingUid === finding.tracking_uid,
      };
      for (const region of finding.regions) {
        if (region.kind === 'mask' || region.kind === 'heatmap') {
          const slice = region.slices.findIndex((one) => isSameImage(one.image, image));
          if (slice >= 0) fills.push({ kind: region.kind, region, slice, finding });
        } else if (isSameImage(region.image, image)) {
          outlines.push({ kind: region.kind, points: pointsOf(region), voice: voiceOf(verdict), ...about });
        }
      }
      if (scene.draft?.trackingUid === finding.tracking_uid || verdict === undefined) continue;
      for (const region of verdict.regions) {
        if (region.kind === 'mask' || region.kind === 'heatmap') continue;
        if (!isSameImage(region.image, image)) continue;
        outlines.push({ kind: region.kind, points: pointsOf(region), voice: 'person', ...about });
      }
    }
  }
  return { outlines, fills };
}

export interface RailMark {
  readonly index: number;
  readonly isFlagged: boolean;
}

/** The slices that findings touch, for the marks along the rail. */
export function railMarks(scene: Scene): RailMark[] {
  const images = scene.series?.images ?? [];
  const positions = new Map(
    images.map((image, index) => [`${image.sop_instance_uid}#${image.frame}`, index]),
  );
  const marks = new Map<number, boolean>();
  for (const { result } of scene.results) {
    for (const finding of result.findings) {
      for (const image of finding.regions.flatMap(imagesOf)) {
        const index = positions.get(`${image.sop_instance_uid}#${image.frame}`);
        if (index === undefined) continue;
        marks.set(index, finding.is_flagged || (marks.get(index) ?? false));
      }
    }
  }
  return [...marks].map(([index, isFlagged]) => ({ index, isFlagged }));
}

/** "Intraparenchymal bleed · 14.1 mL · 0.91": the words beside an outline. */
export function labelOf(finding: Finding, voice: Voice, isNarrow: boolean): string {
  const mark = voice === 'verified' ? '✓ ' : voice === 'rejected' ? '✗ ' : '';
  const first = finding.measurements[0];
  const measure =
    first === undefined ? '' : `${formatNumber(first.value)} ${unitOf(first.unit.value)}`;
  if (isNarrow) return mark + (measure || finding.label);
  const confidence = finding.confidence === null ? '' : sayConfidence(finding.confidence);
  return mark + [finding.label, measure, confidence].filter((part) => part !== '').join(' · ');
}

function formatNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function unitOf(code: string): string {
  if (code === 'mm2') return 'mm²';
  if (code === 'mm3') return 'mm³';
  return code === '1' ? '' : code.replace(/[{}]/g, '');
}

/** "AI suggestion · model 1.2 · 0.91 · demonstration". */
export function chipOf(scene: Scene, image: ImageRef): string {
  if (!isAiShown(scene)) return '';
  const onImage = shapesOn(scene, image);
  const shown = [...onImage.outlines, ...onImage.fills].map(({ finding }) => finding);
  const all = scene.results.flatMap(({ result }) =>
    result.findings
      .filter((finding) => !scene.ai.hidden.has(finding.tracking_uid))
      .map((finding) => ({ result, finding })),
  );
  const isOf = (uid: string | undefined) => (one: (typeof all)[number]) =>
    one.finding.tracking_uid === uid;
  const chosen =
    all.find(isOf(scene.selected?.trackingUid)) ??
    all.find(({ finding }) => shown.includes(finding)) ??
    all[0];
  if (chosen === undefined) return '';
  const { result, finding } = chosen;
  return [
    'AI suggestion',
    `${result.model.name} ${result.model.version}`,
    finding.confidence === null ? 'no score' : sayConfidence(finding.confidence),
    result.model_status,
  ].join(' · ');
}
