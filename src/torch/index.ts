import './convert-tensor';

export { openNative } from './addon';
export {
  checkWritable,
  toArchive,
  writeFileAtomically,
  type Archive,
  type ArchiveSource,
} from './archive';
export { batchImagesForGpu } from './batch-images-for-gpu';
export { checkDeviceName, devices, openDevice, type Device, type DeviceHandle } from './device';
export { openExecutor, sharedExecutor, type TorchExecutor } from './executor';
export type { ExtraFiles } from './extra-files';
export { GpuJpegDecoder } from './gpu-jpeg-decoder';
export { LogisticRegression, type Coefficients, type Fit } from './logistic-regression';
export type {
  ArgumentSchema,
  GpuHandle,
  MethodSchema,
  Mix,
  StepResult,
  StepSettings,
  TrainerSettings,
} from './native';
export type { Trainer } from './trainer';
export type { ConvolutionAlgorithm, PlanChoices, PlanMeasurements } from './plan-choices';
export { checkPlanOptions, planOptionNames, type PlanMode, type PlanOptions } from './plan-options';
export type { Plan, PlanExample } from './plan-request';
export { checkPrecision, precisionsOf, type Precision } from './precision';
export { checkCallOptions, type CallOptions } from './call-options';
export type { CompiledMethodPlan, CompileRequest } from './compile';
export type { CpuPrecision } from './precision';
export { processorModel } from './processor';
export {
  ScriptModule,
  type FloatDType,
  type GradCam,
  type ScriptModuleOptions,
} from './script-module';
export type { KeywordArguments, ScriptValue } from './script-value';
