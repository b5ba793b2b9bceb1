import type { StateDict } from '../checkpoint';
import type { Conditions } from '../conditions';
import { randomState, toStoredTensors, type BuildOptions } from '../convert';
import { openScriptModule, type HubOptions } from '../hub';
import {
  imagenetTransform,
  isArchitectureName,
  metadataFile,
  parseMetadata,
  type ArchitectureName,
  type ModelMetadata,
} from '../models';
import { sha256File } from '../net/hash';
import { pick } from '../options';
import { fileOfModel, unsupportedModel } from '../teach';
import { ScriptModule } from '../torch';

/** The weights that a training starts from. */
export interface BaseWeights {
  readonly metadata: Pick<ModelMetadata, 'labels' | 'license' | 'source' | 'transform'> & {
    readonly architecture: ArchitectureName;
  };
  /** Identifies the weights. */
  readonly identity: Conditions;
  /** The weights; closed by the caller. */
  readonly state: BuildOptions['state'];
}

/** Where the weights come from. */
type BaseOptions = Pick<HubOptions, 'hubDir' | 'offline' | 'signal' | 'onProgress'> & {
  readonly model: string;
  readonly weights?: string;
};

/**
 * Opens the weights of a model of the hub or of a file, or creates those of an architecture at random.
 *
 * @throws ModelError if the model is unknown or missing, or has no architecture of the hub
 */
export async function openBaseWeights(options: BaseOptions, seed: number): Promise<BaseWeights> {
  const { model } = options;
  if (!isArchitectureName(model)) return await openModelWeights(options);
  return {
    metadata: {
      ...{ architecture: model, labels: null, license: null, source: null },
      transform: imagenetTransform,
    },
    identity: { random: model, seed },
    state: randomState(model, seed),
  };
}

async function openModelWeights(options: BaseOptions): Promise<BaseWeights> {
  const { model, signal } = options;
  const path = fileOfModel(model);
  const hubOptions = pick(options, ['hubDir', 'offline', 'signal', 'onProgress', 'weights']);
  const module = path
    ? await ScriptModule.load(path, { device: 'cpu', signal })
    : await openScriptModule(model, hubOptions);
  try {
    const metadata = readMetadata(module, model);
    const { architecture, name, source } = metadata;
    if (architecture === null) {
      throw unsupportedModel(model, 'does not have an architecture of the hub in its metadata');
    }
    const identity = path ? { sha256: await sha256File(path, signal) } : { name, ...source };
    const state: StateDict = {
      path: model,
      tensors: await toStoredTensors(module),
      close: () => module.close(),
    };
    return {
      metadata: { ...metadata, architecture },
      identity,
      state: { ...state, key: source?.key, prefix: source?.prefix },
    };
  } catch (error) {
    await module.close();
    throw error;
  }
}

function readMetadata(module: ScriptModule, model: string): ModelMetadata {
  const text = module.extraFiles[metadataFile];
  if (text === undefined) throw unsupportedModel(model, 'has no metadata');
  return parseMetadata(text, model);
}
