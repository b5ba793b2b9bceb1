import { completeIsolation } from '../isolate';
import { metadataFile } from '../models';
import { toArchive, type ArchiveSource, type ScriptModule } from '../torch';
import { isCompiledModel } from '../compiled';
import { Classifier } from './classifier';
import { archiveLoader, openModule } from './open-module';
import type { ClassifierOpenOptions } from './model-options';

/** A classifier, or a TorchScript module without export metadata. */
export type Model = Classifier | ScriptModule;

/**
 * Opens a compiled model, or TorchScript as a classifier if it has export metadata, otherwise as a module. On failure
 * or abort, rejects after the memory of the model is freed. An isolated model must be a classifier.
 *
 * @param name the path of the archive or another name, for messages
 * @throws what `Classifier.open` throws, except for missing metadata
 */
export async function openModel(
  source: ArchiveSource,
  name: string,
  options: ClassifierOpenOptions,
): Promise<Model> {
  const limits = completeIsolation(options.isolate);
  const archive = await toArchive(source, options.signal);
  if (await isCompiledModel(archive.content)) {
    return await Classifier.openCompiled(archive, options);
  }
  const { content } = archive;
  if (limits) return await Classifier.openIsolated(content, name, limits, options);
  return await openModule<Model>(
    archiveLoader(content, options.verify),
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
