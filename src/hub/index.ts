import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Classifier } from '../classify';
import { ModelError } from '../errors';
import {
  card,
  classesOf,
  describe,
  list,
  metadataFile,
  parseMetadata,
  type ModelCard,
} from '../models';
import { checkOptionNames, wrongValue } from '../options';
import { resolveDevice, ScriptModule, type DeviceName } from '../torch';
import { hubOptionNames, type HubOptions, type WeightsOptions } from './options';
import { cachedTorchScript, checkpointOf, writeTorchScript } from './torchscript';

export { checkpointsFolder as cacheFolder } from './cache';
export type { HubOptions, HubProgress, WeightsOptions } from './options';

/** The repository that torch.hub knows the twelve models by. */
const repository = 'facebookresearch/semi-supervised-ImageNet1K-models';

/** Options of `hub.load`. */
export interface LoadOptions extends WeightsOptions {
  /** Where it runs; `'auto'` by default. */
  readonly device?: DeviceName;
  /** The arithmetic; `'float32'` by default, and in this version always. */
  readonly precision?: 'float32';
}

/**
 * Loads a model: fetches its checkpoint where the cache has none, checks its hash, builds it into
 * TorchScript once, and opens that.
 *
 * @param name an entry point such as `resnet50_swsl`, or one of timm's names for it; also in the form
 *   of torch.hub, with `facebookresearch/semi-supervised-ImageNet1K-models` before it
 * @throws ModelError if there is no such model
 * @throws DownloadError if the checkpoint cannot be had, or is not what it should be
 * @throws CheckpointError if `weights` are damaged or of another architecture
 * @throws DeviceError if the device is not there
 */
function load(name: string, options?: LoadOptions): Promise<Classifier>;
function load(repo: string, name: string, options?: LoadOptions): Promise<Classifier>;
async function load(
  first: string,
  second?: string | LoadOptions,
  third?: LoadOptions,
): Promise<Classifier> {
  if (typeof second !== 'string') return await loadModel(first, second);
  if (first.split(':')[0] !== repository) throw wrongValue('the repository', repository, first);
  return await loadModel(second, third);
}

async function loadModel(name: string, options: LoadOptions = {}): Promise<Classifier> {
  const known = [...hubOptionNames, 'weights', 'numClasses', 'device', 'precision'];
  checkOptionNames(options, known, 'hub.load');
  const { device, precision = 'float32', weights, numClasses } = options;
  if (precision !== 'float32') throw wrongValue('precision', `'float32'`, precision);
  resolveDevice(device);
  const model = card(name);
  if (weights === undefined && numClasses === undefined) {
    return await open(await cachedTorchScript(model, options), device);
  }
  const temporary = join(tmpdir(), `semisup-${randomUUID()}.pt`);
  try {
    await writeTorchScript(model, temporary, options);
    return await open(temporary, device);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function open(path: string, device: DeviceName | undefined): Promise<Classifier> {
  const module = await ScriptModule.load(path, { device, extraFiles: [metadataFile] });
  try {
    const text = module.extraFiles[metadataFile];
    if (text === undefined) {
      throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
        what: `'${path}' holds no metadata '${metadataFile}'.`,
        todo: 'Load it again with forceReload: true.',
        value: path,
      });
    }
    const metadata = parseMetadata(text, path);
    return new Classifier(module, metadata, classesOf(metadata));
  } catch (error) {
    await module.close();
    throw error;
  }
}

/**
 * Fetches a model's checkpoint into the cache, unless it is there, and checks its SHA-256.
 *
 * @returns the path of the checkpoint
 * @throws ModelError if there is no such model
 * @throws DownloadError if it cannot be had, or is not what it should be
 */
async function download(name: string, options: HubOptions = {}): Promise<string> {
  checkOptionNames(options, hubOptionNames, 'hub.download');
  return await checkpointOf(card(name), options);
}

/**
 * Writes a model as a TorchScript file for Python's `torch.jit.load` and any LibTorch: parameter names
 * as in torchvision, methods `forward` and `features`, metadata in the extra file `semisup.json`.
 *
 * @param path of the file
 * @returns the absolute path of the file
 * @throws ModelError if there is no such model, or the file cannot be written
 * @throws CheckpointError if `weights` are damaged or of another architecture
 */
async function exportTorchScript(
  name: string,
  path: string,
  options: WeightsOptions = {},
): Promise<string> {
  checkOptionNames(options, [...hubOptionNames, 'weights', 'numClasses'], 'hub.exportTorchScript');
  await writeTorchScript(card(name), resolve(path), options);
  return resolve(path);
}

/** The models, and how to get them. Named as Python's `torch.hub` names it. */
export const hub = {
  /** The models' names, all or those that match a glob such as `*swsl*`. */
  list: (pattern?: string): string[] => list(pattern),
  /** A model's card as text. @throws ModelError if there is no such model */
  help: (name: string): string => describe(card(name)),
  /** A model's card. @throws ModelError if there is no such model */
  info: (name: string): ModelCard => card(name),
  load,
  download,
  exportTorchScript,
};
