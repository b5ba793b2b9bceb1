export { rejectOnAbort } from './abort';
export { initializeAddon, openEngine } from './addon';
export { augmentImages, type AugmentTransform } from './augment-images';
export { batchImages } from './batch-images';
export { CallQueue, completeQueueLimits, type QueueLimits } from './call-queue';
export {
  checkCloseOptions,
  closeOrAbandon,
  closeWithin,
  maxTimeout,
  type CloseOptions,
} from './close';
export type { DeviceName } from './device-name';
export {
  Executor,
  checkExecutorOptions,
  setThreads,
  threadsByDefault,
  type ExecutorOptions,
  type Priority,
} from './executor';
export { checkInstructionSetLimit, type InstructionSet } from './instruction-set';
export { memory, type Memory, type MemoryUsage } from './memory';
export type {
  CompiledMethod,
  EngineNative,
  ExecutorHandle,
  Handle,
  Native,
  TensorHandle,
  VectorLayout,
  VectorPrecision,
} from './native';
export type {
  CropOperation,
  CropRectangle,
  Operation,
  Operations,
  PaddingMode,
  ValueOperationName,
} from './operations';
export {
  typedArrayOver,
  type TypedArrayOf,
  type TensorData,
  type NestedArray,
  type InferredDType,
} from './tensor-data';
export { Tensor, setTensorConverter } from './tensor';
export { softmaxTopk, type TopK } from './topk';
export { VectorStore } from './vector-store';
