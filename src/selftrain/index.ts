export type { SelftrainStep, StepName } from './manifest';
export { pretrain, type PretrainOptions } from './pretrain';
export { selftrain, type SelftrainedModel } from './selftrain';
export type {
  SelftrainOptions,
  SelftrainProgress,
  TrainingStep,
  WeakLabels,
} from './selftrain-options';
