import { openScriptModule, type HubOptions } from '../hub';
import { fileOfModel } from '../learning';
import { isArchitectureName, metadataFile, parseMetadata } from '../models';
import { sha256File } from '../net/hash';
import { pick } from '../options';
import { ScriptModule } from '../torch';
import { openPretrained, openUntrained } from './architecture-base';
import { ModuleBase } from './module-base';
import type { TrainingBase } from './training-base';

/** Where a base comes from. */
type BaseOptions = Pick<HubOptions, 'hubDir' | 'offline' | 'signal' | 'onProgress'> & {
  readonly model: string;
  readonly weights?: string;
  readonly threads?: number;
};

/**
 * Opens a model of the hub or of a file, or creates the weights of an architecture at random.
 *
 * @throws ModelError if the model is unknown or missing, or its metadata are damaged
 */
export async function openTrainingBase(options: BaseOptions, seed: number): Promise<TrainingBase> {
  const { model, signal, threads } = options;
  if (isArchitectureName(model)) return openUntrained(model, seed);
  const path = fileOfModel(model);
  const hubOptions = pick(options, ['hubDir', 'offline', 'signal', 'onProgress', 'weights']);
  const module = path
    ? await ScriptModule.load(path, { device: 'cpu', threads, signal })
    : await openScriptModule(model, hubOptions);
  try {
    const text = module.extraFiles[metadataFile];
    const metadata = text === undefined ? undefined : parseMetadata(text, model);
    const identity = path
      ? { sha256: await sha256File(path, signal) }
      : { name: metadata!.name, ...metadata!.source };
    const { architecture = null } = metadata ?? {};
    if (architecture === null) return new ModuleBase(model, module, metadata, identity);
    return await openPretrained(model, module, { ...metadata!, architecture }, identity, seed);
  } catch (error) {
    await module.close();
    throw error;
  }
}
