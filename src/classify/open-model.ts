import { metadataFile } from '../models';
import type { ArchiveSource, ScriptModule } from '../torch';
import { Classifier } from './classifier';
import { openModule } from './open-module';
import type { ClassifierOpenOptions } from './model-options';

/** A classifier, or a TorchScript module without the metadata of one. */
export type Model = Classifier | ScriptModule;

/**
 * Opens TorchScript as a classifier if it has the metadata of an export, otherwise as a module. On failure
 * or abort, rejects after the memory of the model is freed.
 *
 * @param name the name of the archive in messages
 * @throws the errors of `Classifier.open`, except that for missing metadata
 */
export async function openModel(
  source: ArchiveSource,
  name: string,
  options: ClassifierOpenOptions,
): Promise<Model> {
  return await openModule<Model>(source, options, async (module, device) => {
    if (metadataFile in module.extraFiles) {
      return await Classifier.of(module, name, options, device);
    }
    await module.moveToOpenDevice(device);
    return module;
  });
}
