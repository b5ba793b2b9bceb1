import { metadataFile } from '../models';
import type { ArchiveSource, ScriptModule } from '../torch';
import { Classifier } from './classifier';
import { openModule } from './open-module';
import type { OpenOptions } from './run-options';

/** A classifier, or TorchScript without the metadata of one. */
export type Model = Classifier | ScriptModule;

/**
 * Opens TorchScript as a classifier if it has the metadata of an export, else as a bare module. If
 * that fails or is aborted, it rejects once the memory of the model is free.
 *
 * @param name of the archive, for messages
 * @throws as `Classifier.open`, but for missing metadata
 */
export async function openModel(
  source: ArchiveSource,
  name: string,
  options: OpenOptions,
): Promise<Model> {
  return await openModule<Model>(source, options, async (module, device) => {
    if (metadataFile in module.metadata) {
      return await Classifier.of(module, name, options, device);
    }
    await module.moveTo(device);
    return module;
  });
}
