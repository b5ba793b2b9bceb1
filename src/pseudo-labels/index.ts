export { writeError } from './errors';
export { mergeSelections } from './merge-selections';
export { Pool } from './pool';
export { readPseudoLabels } from './read-pseudo-labels';
export {
  completeScorePoolOptions,
  type ScorePoolOptions,
  type ScorePoolProgress,
} from './score-options';
export { scorePool } from './score-pool';
export type { ScoredPool } from './scoring-run';
export { selectImages } from './select-images';
export { checkSelectOptions, type SelectOptions, type SelectProgress } from './select-options';
export { Selection, type PseudoLabeledImage, type SelectedImage } from './selection';
