import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  checkInferenceOptions,
  Classifier,
  modelOptionNames,
  pickModelOptions,
  type ModelOptions,
} from '../classify';
import { card, describe, list, type ModelCard } from '../models';
import { invalidArgument } from '../options';
import { checkPrecision, openDevice } from '../torch';
import { checkHubOptions, type HubOptions, type WeightsOptions } from './options';
import { cachedTorchScript, checkpointOf, writeTorchScript } from './torchscript';

/** The models' repository, as passed to `torch.hub.load`. */
const repository = 'facebookresearch/semi-supervised-ImageNet1K-models';

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
  checkInferenceOptions(options);
  const { device, precision, weights, numClasses, signal } = options;
  const openOptions = { ...pickModelOptions(options), signal };
  checkPrecision(precision ?? 'float32', await openDevice(device));
  const model = card(name);
  signal?.throwIfAborted();
  if (weights === undefined && numClasses === undefined) {
    return await Classifier.open(await cachedTorchScript(model, options), openOptions);
  }
  const temporary = join(tmpdir(), `semisup-${randomUUID()}.pt`);
  try {
    await writeTorchScript(model, temporary, options);
    return await Classifier.open(temporary, openOptions);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Downloads a model's checkpoint into the cache, unless it is already there, and verifies its SHA-256.
 *
 * @returns the path of the checkpoint
 * @throws ModelError if the model is unknown
 * @throws DownloadError if it cannot be downloaded, or does not match its hash
 */
async function download(name: string, options: HubOptions = {}): Promise<string> {
  checkHubOptions(options, [], 'hub.download');
  return await checkpointOf(card(name), options);
}

/**
 * Writes a model as a TorchScript file for Python's `torch.jit.load` and any LibTorch: parameter names
 * as in torchvision, methods `forward` and `features`, metadata in the extra file `semisup.json`.
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
  if (typeof path !== 'string' || path === '')
    throw invalidArgument('path', 'a non-empty string', path);
  await writeTorchScript(card(name), resolve(path), options);
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
  exportTorchScript,
};
