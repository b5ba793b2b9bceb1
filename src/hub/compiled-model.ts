import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Classifier, type ModelOptions } from '../classify';
import { ModelError } from '../errors';
import type { ModelCard } from '../models';
import { openEngine, threadsByDefault } from '../native';
import { processorModel, type CpuPrecision, type DeviceHandle } from '../torch';
import { checkTrusted } from '../trust/trusted-path';
import { versions } from '../versions';
import { modelFile } from './cache';

/** The compiled model of a card for this machine, in the cache; the file may not exist. */
export interface CompiledModelFile {
  readonly path: string;
  readonly precision: CpuPrecision;
  /** The side of the input, in pixels. */
  readonly size: number;
}

/**
 * The compiled model that `hub.load` opens for the options; undefined if they ask for something else than the
 * default plan on the CPU.
 */
export function compiledModelFile(
  card: ModelCard,
  hubDir: string | undefined,
  options: ModelOptions,
  device: DeviceHandle,
): CompiledModelFile | undefined {
  const { precision = 'float32', plan = 'auto', calibration, decode = 'cpu', threads } = options;
  const { size = card.transform.crop } = options;
  const isDefault = !device.gpu && plan === 'auto' && !calibration && decode === 'cpu';
  const isOfCpu = precision === 'float32' || precision === 'bfloat16' || precision === 'int8';
  const { instructionSet } = openEngine();
  if (!isDefault || !isOfCpu || instructionSet === 'none') return undefined;
  // Which algorithms are fastest depends on these. Another version of the package may have another format.
  const machine = [
    ...[versions.semisup, process.arch, processorModel(), availableParallelism(), instructionSet],
    ...[threads ?? threadsByDefault(), process.env.OMP_NUM_THREADS],
  ];
  const hash = createHash('sha256').update(JSON.stringify(machine)).digest('hex').slice(0, 8);
  // Its algorithms are the fastest at one size. The crop does not matter: it is an option when the file is opened.
  const variant = size === card.transform.crop ? precision : `${precision}.${size}`;
  return { path: modelFile(card, hubDir, `${variant}.${hash}.semisup`), precision, size };
}

/**
 * Opens a compiled model in the cache; undefined if there is none that can be used.
 *
 * @throws CacheError if another user could have written it
 */
export async function openCached(
  { path }: CompiledModelFile,
  options: ModelOptions & { readonly signal?: AbortSignal },
): Promise<Classifier | undefined> {
  checkTrusted(path);
  if (!existsSync(path)) return undefined;
  try {
    return await Classifier.openCompiled({ content: path, name: path }, options);
  } catch (error) {
    const isUnusable =
      error instanceof ModelError &&
      ['ERR_SEMISUP_MODEL_FORMAT', 'ERR_SEMISUP_MODEL_PROCESSOR'].includes(error.code);
    if (!isUnusable) throw error;
    // It is compiled again. The directory may be read-only.
    await rm(path, { force: true }).catch(() => undefined);
    return undefined;
  }
}
