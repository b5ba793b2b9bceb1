import { onAbort } from '../abort';
import { closeOrAbandon, type ExecutorOptions } from '../native';
import {
  checkPrecision,
  openDevice,
  ScriptModule,
  type ArchiveSource,
  type DeviceHandle,
} from '../torch';
import { defaultInstances } from './planned-model';
import type { ClassifierOpenOptions } from './model-options';

/** The queue of a classifier's module: the classifier limits the calls, and their batches must always be accepted. */
export const unlimitedQueue = { bytes: Number.MAX_SAFE_INTEGER };

/** Loads or builds a module on the CPU: a plan has its own weights on the device. */
export type ModuleLoader = (
  options: ExecutorOptions & { readonly signal?: AbortSignal },
) => Promise<ScriptModule>;

/** A loader of a TorchScript archive. @param verify as in `ScriptModule.load` */
export function archiveLoader(source: ArchiveSource, verify?: boolean): ModuleLoader {
  return (options) => ScriptModule.load(source, { ...options, verify, device: 'cpu' });
}

/**
 * Loads a module and creates a model from it. If `createModel` fails or is aborted, rejects after the
 * module is closed, so that its memory is free by then.
 *
 * @param createModel creates a model that owns the module, which is on the CPU
 * @throws OptionError before loading if the device does not support the precision
 */
export async function openModule<Model>(
  load: ModuleLoader,
  options: ClassifierOpenOptions,
  createModel: (module: ScriptModule, device: DeviceHandle) => Promise<Model>,
): Promise<Model> {
  const { device, precision = 'float32', threads, instances, callTimeout, signal } = options;
  const openedDevice = await openDevice(device);
  checkPrecision(precision, openedDevice);
  const module = await load({
    threads,
    instances: instances ?? defaultInstances(openedDevice),
    callTimeout,
    queue: unlimitedQueue,
    signal,
  });
  let closing: Promise<void> | undefined;
  // A closed executor refuses the jobs that planning would submit next.
  const close = () => {
    closing = closeOrAbandon(module);
  };
  let remove: (() => void) | undefined;
  try {
    signal?.throwIfAborted();
    remove = signal && onAbort(signal, close);
    const model = await createModel(module, openedDevice);
    signal?.throwIfAborted();
    return model;
  } catch (error) {
    await (closing ?? module.close());
    signal?.throwIfAborted();
    throw error;
  } finally {
    remove?.();
  }
}
