export { mergeSelections } from './merge-selections';
export { scorePool } from './score-pool';
export type { ScorePoolOptions, ScorePoolProgress } from './score-options';
export type { ScoredPool } from './scoring-run';
export { selectImages } from './select-images';
export type { SelectOptions, SelectProgress } from './select-options';
export type { PseudoLabeledImage, SelectedImage, Selection } from './selection';
