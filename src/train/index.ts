export type { EpochResult } from './epoch-result';
export { evaluateModel } from './evaluate-model';
export { finetune } from './finetune';
export {
  completeFinetuneOptions,
  recipeNames,
  type FinetuneOptions,
  type FinetuneProgress,
  type TrainingRecipe,
} from './finetune-options';
export type { Trainable } from './parameter-groups';
export type { Schedule } from './schedule';
export { splitImages } from './split';
export {
  checkFinetuneOptions,
  trainModel,
  type FinetunedModel,
  type TrainingImages,
} from './train-model';
export { sourceOf, type LabeledSample, type TrainingSource } from './training-source';
export { writeTrainingReport } from './write-training-report';
