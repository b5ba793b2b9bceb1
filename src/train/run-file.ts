import { existsSync } from 'node:fs';
import { openCheckpoint, writeSafetensors, type StoredTensor } from '../checkpoint';
import { differenceBetween, type Conditions } from '../conditions';
import { toStoredTensor } from '../convert';
import { CheckpointError, TrainingError } from '../errors';
import { writeFileAtomically, type ScriptModule, type Trainer } from '../torch';
import type { EpochResult } from './epoch-result';
import { unwritable } from './errors';

/** The tensor with the progress of a run as JSON: safetensors' own metadata are read as short strings only. */
const progressName = 'run.json';

/** How far a run has come, besides its weights. */
export interface RunProgress {
  /** What the run depends on. */
  readonly conditions: Conditions;
  /** The epochs that are done. */
  readonly epochs: readonly EpochResult[];
}

/**
 * Writes the state of a run after an epoch: `model.*`, `optimizer.*` and `ema.*`, and its progress. Random numbers need
 * no state, because those of each step depend on the seed and the step alone.
 *
 * @throws TrainingError if the file cannot be written
 */
export async function saveRun(
  path: string,
  trainer: Trainer<ScriptModule>,
  progress: RunProgress,
): Promise<void> {
  const state = Object.entries(await trainer.state());
  const tensors = new Map(state.map(([name, tensor]) => [name, toStoredTensor(tensor)]));
  tensors.set(progressName, storedText(JSON.stringify(progress)));
  await writeState(path, tensors);
}

/**
 * Writes weights alone, with the names of the module, so that `hub.load` and Python read them.
 *
 * @param useEma whether they are the moving averages
 * @throws TrainingError if the file cannot be written
 */
export async function saveWeights(
  path: string,
  trainer: Trainer<ScriptModule>,
  useEma: boolean,
): Promise<void> {
  const prefix = useEma ? 'ema.' : 'model.';
  const state = Object.entries(await trainer.state()).filter(([name]) => name.startsWith(prefix));
  await writeState(
    path,
    new Map(state.map(([name, tensor]) => [name.slice(prefix.length), toStoredTensor(tensor)])),
  );
}

/**
 * Restores the state of a run that was interrupted.
 *
 * @returns the epochs that are done; none if there is no file
 * @throws TrainingError if the file belongs to another run, or is damaged
 */
export async function restoreRun(
  path: string,
  trainer: Trainer<ScriptModule>,
  conditions: Conditions,
): Promise<readonly EpochResult[]> {
  if (!existsSync(path)) return [];
  try {
    const checkpoint = await openCheckpoint(path);
    try {
      const { tensors } = checkpoint.stateDicts[0]!;
      const progress = await readProgress(path, tensors.get(progressName));
      checkConditions(path, progress.conditions, conditions);
      for (const [name, tensor] of tensors) {
        if (name !== progressName) await trainer.restore(name, await tensor.read(), tensor);
      }
      return progress.epochs;
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw damaged(path, error.what, error);
    throw error;
  }
}

async function readProgress(path: string, tensor: StoredTensor | undefined): Promise<RunProgress> {
  try {
    return JSON.parse(Buffer.from(await tensor!.read()).toString()) as RunProgress;
  } catch (cause) {
    throw damaged(path, `It has no valid ${progressName}.`, cause);
  }
}

function checkConditions(path: string, before: Conditions, now: Conditions): void {
  if (JSON.stringify(before) === JSON.stringify(now)) return;
  throw new TrainingError('ERR_SEMISUP_TRAINING_RUN', {
    what: `${path} belongs to another run: ${differenceBetween(before, now)}.`,
    remedy: 'Pass the same dataset and options to go on with it, or another runDir for a new run.',
    value: path,
  });
}

function damaged(path: string, problem: string, cause: unknown): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_RUN', {
    what: `The run cannot be resumed from ${path}: ${problem}`,
    remedy: 'Remove the file to start again.',
    value: path,
    cause,
  });
}

async function writeState(path: string, tensors: ReadonlyMap<string, StoredTensor>): Promise<void> {
  try {
    await writeFileAtomically(path, (temporary) => writeSafetensors(tensors, temporary));
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function storedText(text: string): StoredTensor {
  const bytes = new Uint8Array(Buffer.from(text));
  const read = () => Promise.resolve(bytes);
  return { dtype: 'uint8', shape: [bytes.length], stride: [1], read };
}
