import { resolve } from 'node:path';
import {
  checkModelOptions,
  Classifier,
  modelOptionNames,
  pickModelOptions,
  type ModelOptions,
} from '../classify';
import { LibTorchError } from '../errors';
import { card, describe, list, type ModelCard } from '../models';
import { checkPath, invalidArgument } from '../options';
import { checkPrecision, openDevice, openNative, ScriptModule } from '../torch';
import { compiledModelFile, openCached } from './compiled-model';
import { checkHubOptions, type HubOptions, type WeightsOptions } from './options';

/** Downloads and conversions, which are loaded on first use. */
const conversion = {
  get torchScript() {
    return require('./torchscript') as typeof import('./torchscript');
  },
  get compiled() {
    return require('./compile-in-cache') as typeof import('./compile-in-cache');
  },
};

/** The models' repository, as passed to `torch.hub.load`. */
const repository = 'facebookresearch/semi-supervised-ImageNet1K-models';

/** Options of `hub.prepare`. */
export interface PrepareOptions
  extends HubOptions, Pick<ModelOptions, 'precision' | 'threads' | 'size'> {}

/** Options of `hub.load`. */
export interface LoadOptions extends WeightsOptions, ModelOptions {}

const weightsOptionNames = ['weights', 'numClasses'];

/**
 * Loads a model: downloads its checkpoint unless it is cached, verifies its hash, converts it to TorchScript
 * the first time, and opens the result.
 *
 * @param name a model name such as `resnet50_swsl`, or timm's name for it
 * @throws ModelError if the model is unknown
 * @throws DownloadError if the checkpoint cannot be downloaded, or does not match its hash
 * @throws CheckpointError if `weights` are damaged or unsafe, of another architecture, or contain several sets of
 * weights of which none precedes the others
 * @throws DeviceError if the device is not available
 * @throws LibTorchError if LibTorch cannot be used and the model is not compiled in the cache, before anything is
 *   downloaded
 */
function load(name: string, options?: LoadOptions): Promise<Classifier>;
/**
 * The same in the form of `torch.hub.load`.
 *
 * @param repo `facebookresearch/semi-supervised-ImageNet1K-models`
 * @param name a model name such as `resnet50_swsl`
 */
function load(repo: string, name: string, options?: LoadOptions): Promise<Classifier>;
async function load(
  first: string,
  second?: string | LoadOptions,
  third?: LoadOptions,
): Promise<Classifier> {
  if (typeof second !== 'string') return await loadModel(first, second);
  // `repo:branch` is accepted for compatibility with torch.hub; the branch has no effect.
  if (typeof first !== 'string' || first.split(':')[0] !== repository) {
    throw invalidArgument('repo', `'${repository}' (a ':branch' suffix is ignored)`, first);
  }
  return await loadModel(second, third);
}

async function loadModel(name: string, options: LoadOptions = {}): Promise<Classifier> {
  checkHubOptions(options, [...weightsOptionNames, ...modelOptionNames], 'hub.load');
  checkModelOptions(options);
  const {
    device,
    precision,
    weights,
    numClasses,
    hubDir,
    threads,
    forceReload = false,
    signal,
  } = options;
  const openOptions = { ...pickModelOptions(options), signal };
  const openedDevice = await openDevice(device);
  checkPrecision(precision ?? 'float32', openedDevice);
  const model = card(name);
  const isOwn = weights !== undefined || numClasses !== undefined;
  const compiled = isOwn ? undefined : compiledModelFile(model, hubDir, openOptions, openedDevice);
  const cachedClassifier =
    compiled && !forceReload ? await openCached(compiled, openOptions) : undefined;
  if (cachedClassifier) return cachedClassifier;
  // Before a download that would be in vain without LibTorch.
  await openNative();
  signal?.throwIfAborted();
  let checkpoint: string | undefined;
  if (!isOwn) {
    const cached = await conversion.torchScript.cachedModel(model, options);
    if ('torchScript' in cached) {
      const { torchScript } = cached;
      const open = (more: ModelOptions & { readonly signal?: AbortSignal }) =>
        Classifier.open(torchScript, { ...openOptions, verify: true, ...more });
      if (!compiled) return await open({});
      const classifier = await open({ plan: 'untuned' });
      const tune = async (signal: AbortSignal) => {
        const isCompiled = await conversion.compiled.compileInCache(torchScript, compiled, {
          ...{ threads, signal, replace: forceReload, priority: 'background' },
        });
        const tunedOptions = { ...openOptions, signal };
        const tuned = isCompiled ? await openCached(compiled, tunedOptions) : undefined;
        return tuned ?? (await open({ signal }));
      };
      classifier.tuneInBackground((signal) =>
        conversion.compiled.tuneInTurn(() => tune(signal), signal),
      );
      return classifier;
    }
    ({ checkpoint } = cached);
  }
  return await Classifier.load(
    (executorOptions) =>
      conversion.torchScript.buildInMemory(model, options, executorOptions, checkpoint),
    weights ?? model.name,
    openOptions,
  );
}

/**
 * A model of the hub as a TorchScript module on the CPU, which the caller closes.
 *
 * @throws as `hub.load`
 */
export async function openScriptModule(
  name: string,
  options: WeightsOptions,
): Promise<ScriptModule> {
  const model = card(name);
  await openNative();
  const { torchScript } = conversion;
  if (options.weights !== undefined) return await torchScript.buildInMemory(model, options, {});
  const cached = await torchScript.cachedModel(model, options);
  return 'torchScript' in cached
    ? await ScriptModule.load(cached.torchScript, { device: 'cpu', verify: true })
    : await torchScript.buildInMemory(model, options, {}, cached.checkpoint);
}

/**
 * Prepares the cache for `hub.load`: downloads a model's checkpoint, unless it is already there, verifies its
 * SHA-256, converts it to TorchScript, and compiles it for this machine, in float32. Afterwards `hub.load` with the
 * default options neither downloads nor writes, and needs no LibTorch, so the cache may be read-only. Emits the
 * warning `SEMISUP_CACHE` if LibTorch, which converts it, cannot be used yet, or the result cannot be written: then
 * `hub.load` converts it.
 *
 * @returns the path of the checkpoint
 * @throws ModelError if the model is unknown
 * @throws DownloadError if it cannot be downloaded, or does not match its hash
 */
async function download(name: string, options: HubOptions = {}): Promise<string> {
  checkHubOptions(options, [], 'hub.download');
  const model = card(name);
  const path = await conversion.torchScript.checkpointOf(model, options);
  try {
    await prepareModel(model, options, path);
  } catch (error) {
    if (!(error instanceof LibTorchError)) throw error;
    process.emitWarning(
      `Only the checkpoint of ${model.name} was prepared: it is converted to TorchScript when it is first loaded, because LibTorch cannot be used yet (${error.code}). To prepare it completely, run 'npx semisup doctor', install what is missing, and download again.`,
      { code: 'SEMISUP_CACHE' },
    );
  }
  return path;
}

/**
 * Prepares the cache for `hub.load` with these options, as `download` does for the default ones: for example when a
 * container image is built.
 *
 * @throws as `download`, and OptionError if the processor does not support the precision
 */
async function prepare(names: readonly string[], options: PrepareOptions = {}): Promise<void> {
  checkHubOptions(options, ['precision', 'threads', 'size'], 'hub.prepare');
  const { precision, threads, size } = options;
  checkModelOptions({ precision, threads, size });
  checkPrecision(precision ?? 'float32', await openDevice());
  const models = names.map((name) => card(name));
  for (const model of models) await prepareModel(model, options);
}

/** @param checkpoint the path of the verified checkpoint, if it is known */
async function prepareModel(
  model: ModelCard,
  options: PrepareOptions,
  checkpoint?: string,
): Promise<void> {
  const { hubDir, precision, threads, size, forceReload: replace = false, signal } = options;
  const cached = await conversion.torchScript.cachedModel(model, options, checkpoint);
  if (!('torchScript' in cached)) return;
  const compiled = compiledModelFile(
    model,
    hubDir,
    { precision, threads, size },
    await openDevice(),
  );
  if (!compiled) return;
  const request = { threads, signal, replace };
  await conversion.compiled.compileInCache(cached.torchScript, compiled, request);
}

/**
 * Writes a model as a TorchScript file for Python's `torch.jit.load` and any LibTorch: parameter names
 * as in torchvision, methods `forward`, `features`, `class_maps` and `pyramid`, of which `classify`, `embed`, `explain`
 * and `features` return the results, and `feature_map`; metadata in the extra file `semisup.json`.
 *
 * @param path where to write the file
 * @returns the absolute path of the file
 * @throws ModelError if the model is unknown, or the file cannot be written
 * @throws CheckpointError as `hub.load`
 */
async function exportTorchScript(
  name: string,
  path: string,
  options: WeightsOptions = {},
): Promise<string> {
  checkHubOptions(options, weightsOptionNames, 'hub.exportTorchScript');
  checkPath('path', path);
  const model = card(name);
  await openNative();
  await conversion.torchScript.writeTorchScript(model, resolve(path), options);
  return resolve(path);
}

/** Lists, downloads, loads and exports the models; modeled on Python's `torch.hub`. */
export const hub = {
  /** The models' names, all or those that match a glob such as `*swsl*`. */
  list: (pattern?: string): string[] => list(pattern),
  /** A model's card as text. @throws ModelError if the model is unknown */
  help: (name: string): string => describe(card(name)),
  /** A model's card. @throws ModelError if the model is unknown */
  info: (name: string): ModelCard => card(name),
  load,
  download,
  /** Prepares the cache for `load` with other options than the default ones, as `download` does. */
  prepare,
  exportTorchScript,
};
