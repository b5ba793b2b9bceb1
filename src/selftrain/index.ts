export { mergeSelections } from './merge-selections';
export { pretrain, type PretrainOptions } from './pretrain';
export { scorePool } from './score-pool';
export type { ScorePoolOptions, ScorePoolProgress } from './score-options';
export type { ScoredPool } from './scoring-run';
export { selectImages } from './select-images';
export type { SelectOptions, SelectProgress } from './select-options';
export { selftrain, type SelftrainedModel } from './selftrain';
export type {
  SelftrainOptions,
  SelftrainProgress,
  TrainingStep,
  WeakLabels,
} from './selftrain-options';
export type { SelftrainStep, StepName } from './manifest';
export type { PseudoLabeledImage, SelectedImage, Selection } from './selection';
export type { SelectionReportOptions, SelectionReportProgress } from './selection-report-options';
export { writeSelectionReport } from './write-selection-report';
