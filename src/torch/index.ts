export { whenAborted } from './abort';
export type { ArchiveSource } from './archive';
export { devices, openDevice, type Device, type DeviceName, type OpenDevice } from './device';
export type { ArrayOf, Elements, OwnDType } from './elements';
export { Executor, setThreads, type ExecutorOptions } from './executor';
export { memory, type Memory, type MemoryUse } from './memory';
export type {
  ArgumentSchema,
  MethodSchema,
  ModuleSpec,
  GpuHandle,
  JpegDecoderHandle,
  Pixels,
  PlanChoices,
  PlanMeasured,
  TensorSpec,
  Transform,
} from './native';
export {
  checkPlanOptions,
  checkPrecision,
  precisionsOf,
  type Plan,
  type PlanMode,
  type PlanOptions,
  type Precision,
} from './plan';
export {
  ScriptModule,
  type CallOptions,
  type FloatDType,
  type ScriptModuleOptions,
  type TensorView,
} from './script-module';
export { Tensor } from './tensor';
export type { Keywords, Value } from './value';
