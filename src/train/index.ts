export type { EpochResult } from './epoch-result';
export { finetune, type FinetunedModel } from './finetune';
export type { FinetuneOptions, FinetuneProgress } from './finetune-options';
export type { Trainable } from './parameter-groups';
export type { Schedule } from './schedule';
export { writeTrainingReport } from './write-training-report';
