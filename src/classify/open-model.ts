import { metadataFile } from '../models';
import type { ArchiveSource, ScriptModule } from '../torch';
import { Classifier } from './classifier';
import { archiveLoader, openModule } from './open-module';
import type { ClassifierOpenOptions } from './model-options';

/** A classifier, or a TorchScript module without export metadata. */
export type Model = Classifier | ScriptModule;

/**
 * Opens TorchScript as a classifier if it has export metadata, otherwise as a module. On failure or abort,
 * rejects after the memory of the model is freed.
 *
 * @param name the path of the archive or another name, for messages
 * @throws what `Classifier.open` throws, except for missing metadata
 */
export async function openModel(
  source: ArchiveSource,
  name: string,
  options: ClassifierOpenOptions,
): Promise<Model> {
  return await openModule<Model>(
    archiveLoader(source, options.verify),
    options,
    async (module, device) => {
      if (metadataFile in module.extraFiles) {
        return await Classifier.of(module, name, options, device);
      }
      await module.moveToOpenDevice(device);
      return module;
    },
  );
}
