export { rejectOnAbort } from './abort';
export { openNative } from './addon';
export { toArchive, writeFileAtomically, type Archive, type ArchiveSource } from './archive';
export { devices, openDevice, type Device, type DeviceName, type DeviceHandle } from './device';
export {
  typedArrayOver,
  type TypedArrayOf,
  type TensorData,
  type NestedArray,
  type InferredDType,
} from './tensor-data';
export type { ExtraFiles } from './extra-files';
export { CallQueue, completeQueueLimits, type QueueLimits } from './call-queue';
export {
  checkCloseOptions,
  closeOrAbandon,
  closeWithin,
  maxTimeout,
  type CloseOptions,
} from './close';
export {
  Executor,
  checkExecutorOptions,
  setThreads,
  threadsByDefault,
  type ExecutorOptions,
} from './executor';
export { memory, type Memory, type MemoryUsage } from './memory';
export { GpuJpegDecoder } from './gpu-jpeg-decoder';
export { batchImages } from './batch-images';
export type { ArgumentSchema, GpuHandle, MethodSchema } from './native';
export type { InstructionSet } from './instruction-set';
export type { ConvolutionAlgorithm, PlanChoices, PlanMeasurements } from './plan-choices';
export { checkPlanOptions, planOptionNames, type PlanMode, type PlanOptions } from './plan-options';
export type { Plan } from './plan-request';
export { checkPrecision, precisionsOf, type Precision } from './precision';
export {
  ScriptModule,
  type CallOptions,
  type FloatDType,
  type ScriptModuleOptions,
} from './script-module';
export { Tensor } from './tensor';
export { softmaxTopk, type TopK } from './topk';
export type { KeywordArguments, ScriptValue } from './script-value';
