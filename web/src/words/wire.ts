/** The shapes that the service speaks (docs/api.md); JSON keeps its snake_case names here. */

export interface Code {
  value: string;
  scheme: string;
  meaning: string;
}

export interface ImageRef {
  sop_instance_uid: string;
  frame: number;
}

export interface Session {
  user: string;
  display_name: string;
  roles: string[];
  permissions: string[];
  csrf_token: string;
  expires_at: string;
}

export type AnalysisState =
  | 'receiving'
  | 'waiting'
  | 'analysing'
  | 'analysed'
  | 'not_suitable'
  | 'failed'
  | 'idle';

export interface Flag {
  text: string;
  finding: string;
  confidence: number | null;
  volume_ml: number | null;
  model: string;
  model_version: string;
  model_status: string;
}

export interface Row {
  study_instance_uid: string;
  patient_name: string;
  patient_id: string;
  patient_age: string;
  patient_sex: string;
  accession_number: string;
  modality: string;
  description: string;
  body_part: string;
  study_datetime: string;
  received_at: string;
  instances_received: number;
  series_count: number;
  is_synthetic: boolean;
  priority: 'stat' | 'high' | 'routine';
  rank: number;
  is_critical: boolean;
  flag: Flag | null;
  analysis: {
    state: AnalysisState;
    share: number | null;
    message: string;
    reasons: { model: string; reason: string }[];
  };
  result_uids: string[];
  verdict: 'accept' | 'reject' | 'adjust' | null;
  thumbnail_url: string;
}

export interface Worklist {
  rows: Row[];
  last_event_id: number;
  quarantined: number;
}

export interface QuarantineItem {
  quarantine_id: string;
  received_at: string;
  source: string;
  file_name: string;
  reason: string;
  remedy: string;
  study_instance_uid: string | null;
}

export interface LiveEvent {
  event_id: number;
  kind: string;
  study_instance_uid: string | null;
  occurred_at: string;
  row: Row | null;
  data: Record<string, unknown>;
}

export interface SeriesView {
  series_instance_uid: string;
  modality: string;
  series_number: number | null;
  description: string;
  body_part: string;
  frame_of_reference_uid: string | null;
  image_count: number;
  is_made_by_overread: boolean;
  is_displayable: boolean;
  thumbnail_url: string;
  suitability: { model: string; is_chosen: boolean; reason: string }[];
  spacing: {
    is_volume: boolean;
    is_tilted: boolean;
    tilt_degrees: number;
    is_even: boolean;
    gaps_mm: number[];
    note: string;
  };
}

export interface StudyView {
  study_instance_uid: string;
  patient: { name: string; patient_id: string; birth_date: string; sex: string; age: string };
  accession_number: string;
  description: string;
  study_datetime: string;
  is_synthetic: boolean;
  series: SeriesView[];
  open_at: (ImageRef & { series_instance_uid: string }) | null;
  results: ResultView[];
}

export interface PlaneView {
  position: number[];
  row_cosines: number[];
  column_cosines: number[];
  spacing_between_rows_mm: number;
  spacing_between_columns_mm: number;
}

export interface ImageView {
  sop_instance_uid: string;
  frame: number;
  instance_number: number | null;
  rows: number;
  columns: number;
  plane: PlaneView | null;
  is_spacing_trustworthy: boolean;
  spacing_note: string;
  photometric_interpretation: string;
  samples_per_pixel: number;
  bits_allocated: number;
  bits_stored: number;
  is_signed: boolean;
  rescale_slope: number;
  rescale_intercept: number;
  rescale_unit: string;
  windows: { center: number; width: number; name: string }[];
  is_lossy: boolean;
  lossy_note: string;
  pixels_url: string;
}

export interface ImageList {
  images: ImageView[];
  frame_time_ms: number | null;
}

export interface VolumeGrid {
  dimensions: number[];
  spacing_mm: number[];
  origin: number[];
  directions: number[][];
  is_resampled: boolean;
  note: string;
  scalar: string;
  rescaled: boolean;
  voxels_url: string;
}

export interface FindingVolume {
  dimensions: number[];
  runs: number[];
}

export interface BoxRegion {
  kind: 'box';
  image: ImageRef;
  top_left: number[];
  bottom_right: number[];
}

export interface ContourRegion {
  kind: 'contour';
  image: ImageRef;
  points: number[][];
  is_hole: boolean;
}

export interface LineRegion {
  kind: 'line';
  image: ImageRef;
  start: number[];
  end: number[];
}

export interface MaskRegion {
  kind: 'mask';
  slices: { image: ImageRef; rows: number; columns: number; runs: number[] }[];
}

export interface HeatmapRegion {
  kind: 'heatmap';
  slices: { image: ImageRef; rows: number; columns: number; values: string }[];
}

export type Region = BoxRegion | ContourRegion | LineRegion | MaskRegion | HeatmapRegion;

export interface MeasurementView {
  concept: Code;
  value: number;
  unit: Code;
  uncertainty: number | null;
}

export interface Finding {
  output: string;
  label: string;
  finding: Code;
  category: Code;
  site: Code | null;
  laterality: Code | null;
  confidence: number | null;
  is_flagged: boolean;
  measurements: MeasurementView[];
  key_image: ImageRef | null;
  tracking_id: string;
  tracking_uid: string;
  color_rgb: number[];
  regions: Region[];
}

export interface Result {
  schema_version?: number;
  result_uid: string;
  study_instance_uid: string;
  series_instance_uid: string;
  frame_of_reference_uid: string | null;
  model: { name: string; version: string; digest: string };
  model_title: string;
  model_manufacturer: string;
  model_status: string;
  algorithm_family: Code;
  score_meaning: string;
  flag_text: string;
  input_digest: string;
  started_at: string;
  is_flagged: boolean;
  notices: string[];
  source_images: ImageRef[];
  findings: Finding[];
}

export type VerdictKind = 'accept' | 'reject' | 'adjust' | 'withdraw';

export interface Verdict {
  verdict_id: string;
  result_uid: string;
  tracking_uid: string;
  kind: VerdictKind;
  reason: string;
  regions: Region[];
  measurements: MeasurementView[];
  made_by: string;
  made_at: string;
}

export interface ResultView {
  result: Result;
  phase: string;
  phase_note: string;
  verdicts: Verdict[];
  objects: {
    kind: string;
    series_instance_uid: string | null;
    sop_instance_uid: string | null;
    is_stored: boolean;
  }[];
}

export interface Job {
  job_id: string;
  study_instance_uid: string;
  series_instance_uid: string | null;
  model: string | null;
  state: 'queued' | 'running' | 'done' | 'failed';
  step: string;
  share: number | null;
  message: string;
  result_uid: string | null;
}

export interface ModelCard {
  name: string;
  version: string;
  digest: string;
  title: string;
  manufacturer: string;
  status: string;
  intended_use: string;
  limits: unknown;
  evidence: unknown;
  score_meaning: string;
  flag_text: string;
  inputs: unknown;
  outputs: unknown;
  thresholds: unknown;
  phase: string;
  phase_note: string;
}

export interface AuditPage {
  events: {
    sequence: number;
    occurred_at: string;
    actor: string;
    action: string;
    outcome: string;
    study_instance_uid: string | null;
    detail: unknown;
    previous_hash: string;
    hash: string;
  }[];
  is_intact: boolean;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
}
