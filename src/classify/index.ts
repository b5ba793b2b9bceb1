export type { DetailedResult, Prediction, Timings } from './prediction';
export { Classifier, type ClassifyOptions, type ReturnErrors } from './classifier';
export { isImageFailure, type ImageFailure } from './image-failure';
export { openModel, type Model } from './open-model';
export type { ModuleLoader } from './open-module';
export type { ImageOptions, ImagesOptions } from './pipeline';
export {
  checkModelOptions,
  checkVerify,
  modelOptionNames,
  pickModelOptions,
  type ModelOptions,
  type ClassifierOpenOptions,
  type InferenceOptions,
} from './model-options';
