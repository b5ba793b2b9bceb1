export {
  Classifier,
  type ClassifyOptions,
  type DetailedAnswer,
  type ImageOptions,
  type OpenOptions,
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
export type { ImageDataLike, ImageInput } from './image';
export type {
  Accuracy,
  ArchitectureName,
  CheckpointSource,
  FileSource,
  ImageClass,
  Licence,
  ModelCard,
  ModelMetadata,
  NpmSource,
  Robustness,
} from './models';
export {
  ModelSlot,
  type Model,
  type ModelOpener,
  type ModelSource,
  type Serving,
  type SlotEvents,
  type SlotOpenOptions,
  type SlotOptions,
  type SwapContext,
  type SwapEvent,
  type SwapFailure,
  type SwapOptions,
  type Swapped,
  type VersionedAnswer,
  type WatchOptions,
} from './slot';
export {
  devices,
  memory,
  ScriptModule,
  setThreads,
  Tensor,
  type ArchiveSource,
  type ArgumentSchema,
  type ArrayOf,
  type CallOptions,
  type Device,
  type DeviceName,
  type Elements,
  type ExecutorOptions,
  type FloatDType,
  type Keywords,
  type MemoryUse,
  type MethodSchema,
  type OwnDType,
  type Pixels,
  type ScriptModuleOptions,
  type Transform,
  type Value,
} from './torch';
export { versions } from './versions';
