export type { DetailedResult, Prediction, Timings } from './prediction';
export { Classifier, type ClassifyOptions } from './classifier';
export { openModel, type Model } from './open-model';
export type { ImageOptions } from './pipeline';
export {
  checkInferenceOptions,
  modelOptionNames,
  pickModelOptions,
  type ModelOptions,
  type ClassifierOpenOptions,
  type InferenceOptions,
} from './model-options';
