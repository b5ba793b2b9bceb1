export { devices, resolveDevice, type Device, type DeviceName } from './device';
export { Executor, setThreads } from './executor';
export { memory, type MemoryUse } from './memory';
export type { ModuleSpec, Pixels, TensorSpec, Transform } from './native';
export { ScriptModule, type ScriptModuleOptions, type TensorView } from './script-module';
export { Tensor } from './tensor';
