import { invalidValue } from '../options';
import type { DeviceHandle } from './device';

/** The values of the `precision` option, in the order that errors list them. */
export const precisions = ['float32', 'bfloat16', 'int8', 'float16', 'tf32'] as const;

/** The precisions of a CPU, fastest first. */
const cpuPrecisions = ['int8', 'bfloat16', 'float32'] as const;
export type CpuPrecision = (typeof cpuPrecisions)[number];

/** The precisions of a GPU, fastest first. */
const gpuPrecisions = ['float16', 'bfloat16', 'tf32', 'float32'] as const;
export type GpuPrecision = (typeof gpuPrecisions)[number];

/**
 * The precision in which a model computes; its input and output are always float32. `'int8'` is for
 * CPUs only: convolutions with 8-bit weights, scaled per channel, and 8-bit activations. `'float16'`
 * and `'tf32'` are for GPUs only; TF32 is float32 with a 10-bit mantissa in products (PyTorch's
 * documentation, "TensorFloat-32 (TF32) on Ampere (and later) devices").
 */
export type Precision = (typeof precisions)[number];

/** The precisions of a device, fastest first. */
export function precisionsOf({ gpu }: DeviceHandle): readonly Precision[] {
  return gpu ? gpuPrecisions : cpuPrecisions;
}

/** @throws OptionError if the device does not support the precision */
export function checkPrecision(precision: Precision | 'auto', device: DeviceHandle): void {
  const supported = [...precisionsOf(device), 'auto'] as const;
  if (supported.includes(precision)) return;
  const where = device.gpu ? 'on a GPU' : 'on the CPU';
  throw invalidValue('precision', `one of '${supported.join(`', '`)}' ${where}`, precision);
}
