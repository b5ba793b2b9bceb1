export type { DetailedResult, Prediction, Timings } from './prediction';
export { Classifier, type ClassifyOptions } from './classifier';
export { openModel, type Model } from './open-model';
export type { ImageOptions } from './pipeline';
export {
  checkRunOptions,
  modelOptionNames,
  pickModelOptions,
  type ModelOptions,
  type OpenOptions,
  type RunOptions,
} from './run-options';
