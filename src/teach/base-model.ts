import { Classifier, pickModelOptions } from '../classify';
import { isCompiledModel } from '../compiled';
import type { Conditions } from '../conditions';
import { ModelError } from '../errors';
import { hub, openScriptModule } from '../hub';
import { fileOfModel } from '../learning';
import type { ArchitectureName, ModelMetadata } from '../models';
import { sha256File } from '../net/hash';
import { abbreviate, pick } from '../options';
import { ScriptModule, toArchive } from '../torch';
import type { TeachOptions } from './teach-options';

/** The model whose last layer is replaced. */
export interface BaseModel {
  /** Computes its embeddings. */
  readonly classifier: Classifier;
  readonly metadata: ModelMetadata & { readonly architecture: ArchitectureName };
  /** Identifies its weights. */
  readonly identity: Conditions;
  /** Its TorchScript, which the caller closes. */
  openModule(): Promise<ScriptModule>;
}

/**
 * Opens a model of the hub, or a file.
 *
 * @throws ModelError if it is unknown or missing, or has no last layer that can be replaced
 */
export async function openBaseModel(options: TeachOptions): Promise<BaseModel> {
  const { model, signal } = options;
  const path = fileOfModel(model);
  if (path === undefined) return await openOfHub(options);
  const { content } = await toArchive(path);
  if (await isCompiledModel(content)) {
    throw unsupportedModel(model, 'is a compiled model, whose last layer cannot be replaced');
  }
  const classifier = await Classifier.open(path, { ...pickModelOptions(options), signal });
  return await withClassifier(classifier, model, async () => ({
    identity: { sha256: await sha256File(path, signal) },
    openModule: () => ScriptModule.load(path, { device: 'cpu', signal }),
  }));
}

async function openOfHub(options: TeachOptions): Promise<BaseModel> {
  const { model, signal, onHubProgress: onProgress } = options;
  const hubOptions = pick(options, ['hubDir', 'forceReload', 'offline', 'weights']);
  const loadOptions = { ...pickModelOptions(options), ...hubOptions, signal, onProgress };
  const classifier = await hub.load(model, loadOptions);
  return await withClassifier(classifier, model, ({ name, source }) => ({
    identity: { name, ...source },
    openModule: () =>
      openScriptModule(model, { ...hubOptions, forceReload: false, signal, onProgress }),
  }));
}

/** Closes the classifier if the model cannot be used. */
async function withClassifier(
  classifier: Classifier,
  name: string,
  describe: (
    metadata: ModelMetadata,
  ) =>
    | Promise<Pick<BaseModel, 'identity' | 'openModule'>>
    | Pick<BaseModel, 'identity' | 'openModule'>,
): Promise<BaseModel> {
  try {
    const { metadata } = classifier;
    const { architecture } = metadata;
    if (architecture === null) {
      throw unsupportedModel(name, 'does not have an architecture of the hub in its metadata');
    }
    const description = await describe(metadata);
    return { classifier, metadata: { ...metadata, architecture }, ...description };
  } catch (error) {
    await classifier.close();
    throw error;
  }
}

/** The error for a model whose last layer cannot be replaced. */
function unsupportedModel(model: string, problem: string): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what: `'${abbreviate(model)}' cannot learn other classes: it ${problem}.`,
    remedy:
      "Pass the name of a model of the hub (see 'npx semisup list'), or a TorchScript file that hub.exportTorchScript() or teach() wrote.",
    value: model,
  });
}
