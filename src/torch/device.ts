import { availableParallelism, cpus } from 'node:os';
import { DeviceError, LibTorchError } from '../errors';
import { askGpuDriver, findUsedLibTorchSync, gpuProblem, type LibTorch } from '../libtorch';
import { wrongValue } from '../options';

/** Where a model runs: `'auto'` is the best there is. */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

/** A device that models can run on. */
export interface Device {
  /** As the `device` option names it. */
  readonly name: string;
  /** What the hardware calls itself. */
  readonly description: string;
}

/** The devices that models can run on. */
export function devices(): Device[] {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return [{ name: 'cpu', description: `${model}, ${availableParallelism()} cores` }];
}

/**
 * The device that a `device` option means, as LibTorch names it.
 *
 * @throws OptionError if it is no device's name
 * @throws DeviceError if that device is not there
 */
export function resolveDevice(device: DeviceName = 'auto'): string {
  if (device === 'auto' || device === 'cpu') return 'cpu';
  if (typeof device !== 'string' || !/^cuda(:\d+)?$/.test(device)) {
    throw wrongValue('device', `'auto', 'cpu', 'cuda' or 'cuda:<index>'`, device);
  }
  const problem = gpuProblem(askGpuDriver(), usedLibTorch());
  throw new DeviceError('ERR_SEMISUP_DEVICE', {
    what: `There is no device '${device}'. ${problem?.what ?? 'This version runs models on the CPU alone'}.`,
    todo: `${problem ? `${problem.todo} Or use` : 'Use'} device 'auto' or 'cpu'.`,
    value: device,
  });
}

function usedLibTorch(): LibTorch | undefined {
  try {
    return findUsedLibTorchSync();
  } catch (error) {
    if (error instanceof LibTorchError) return undefined;
    throw error;
  }
}
