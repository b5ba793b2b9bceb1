export { whenAborted } from './abort';
export type { ArchiveSource } from './archive';
export { devices, resolveDevice, type Device, type DeviceName } from './device';
export type { ArrayOf, Elements, OwnDType } from './elements';
export { Executor, setThreads, type ExecutorOptions } from './executor';
export { memory, type MemoryUse } from './memory';
export type {
  ArgumentSchema,
  MethodSchema,
  ModuleSpec,
  Pixels,
  TensorSpec,
  Transform,
} from './native';
export {
  ScriptModule,
  type CallOptions,
  type FloatDType,
  type ScriptModuleOptions,
  type TensorView,
} from './script-module';
export { Tensor } from './tensor';
export type { Keywords, Value } from './value';
