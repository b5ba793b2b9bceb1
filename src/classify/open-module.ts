import {
  checkPrecision,
  openDevice,
  ScriptModule,
  type ArchiveSource,
  type OpenDevice,
} from '../torch';
import { defaultInstances } from './planned-model';
import type { OpenOptions } from './run-options';

/**
 * Loads TorchScript and makes a model of it. If `make` fails or is aborted, it rejects once the module
 * is closed, so that its memory is free by then.
 *
 * @param make a model that closes the module when it is closed itself; the module is on the CPU
 * @throws OptionError if the device does not support the precision, before anything is loaded
 */
export async function openModule<Model>(
  source: ArchiveSource,
  options: OpenOptions,
  make: (module: ScriptModule, device: OpenDevice) => Promise<Model>,
): Promise<Model> {
  const { device, precision = 'float32', threads, instances, signal } = options;
  const place = await openDevice(device);
  checkPrecision(precision, place);
  const module = await ScriptModule.load(source, {
    threads,
    instances: instances ?? defaultInstances(place),
    signal,
    // A plan keeps its own weights on the device.
    device: 'cpu',
  });
  let closing: Promise<void> | undefined;
  // The executor refuses the jobs that planning would submit next.
  const onAbort = () => {
    closing = module.close();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    const model = await make(module, place);
    signal?.throwIfAborted();
    return model;
  } catch (error) {
    await (closing ?? module.close());
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
