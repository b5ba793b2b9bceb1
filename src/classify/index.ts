export type { DetailedResult, Prediction, Timings } from './prediction';
export type { CallableModule } from './callable-module';
export {
  Classifier,
  type ClassifierEvents,
  type ClassifyOptions,
  type EmbedOptions,
  type ReturnErrors,
} from './classifier';
export type { CompileOptions } from './compile-options';
export { cropBox, type Box } from './crop-box';
export type { ExplainOptions } from './explain-options';
export type { FeatureMap } from './feature-map';
export type { FeaturesOptions } from './features-options';
export type { HeatMap } from './heat-map';
export { isImageFailure, withoutPosition, type ImageFailure } from './image-failure';
export { openModel, type Model } from './open-model';
export type { ModuleLoader } from './open-module';
export type { ImageOptions, ImagesOptions } from './pipeline';
export { completeTemperature } from './temperature';
export type { ViewOptions } from './views';
export {
  checkModelOptions,
  checkTrustOptions,
  modelOptionNames,
  pickModelOptions,
  type ModelOptions,
  type ClassifierOpenOptions,
  type InferenceOptions,
  type TrustOptions,
} from './model-options';
