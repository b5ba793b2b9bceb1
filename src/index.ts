export {
  Classifier,
  type ClassifyOptions,
  type DetailedAnswer,
  type ImageOptions,
  type Prediction,
  type Timings,
} from './classify';
export type { DType } from './dtype';
export * from './errors';
export {
  hub,
  type HubOptions,
  type HubProgress,
  type LoadOptions,
  type WeightsOptions,
} from './hub';
export type { ImageInput } from './image';
export type { Accuracy, ImageClass, Licence, ModelCard, ModelMetadata, Robustness } from './models';
export {
  devices,
  memory,
  ScriptModule,
  setThreads,
  Tensor,
  type Device,
  type DeviceName,
  type ScriptModuleOptions,
  type TensorView,
  type Transform,
} from './torch';
export { versions } from './versions';
