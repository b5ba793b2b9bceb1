import { access } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Classifier } from '../classify';
import { ModelError, type SemisupError } from '../errors';
import { closeOrAbandon, rejectOnAbort, type Priority } from '../native';
import { warnAboutCache } from '../net/cache-warning';
import { isUnwritable } from '../net/disk';
import { removeLeftoversLocked } from '../net/leftovers';
import { withLock } from '../net/lock';
import { ScriptModule } from '../torch';
import { Semaphore } from '../semaphore';
import { checkTrusted } from '../trust/trusted-path';
import { protectFile } from './cache';
import type { CompiledModelFile } from './compiled-model';

/**
 * Compiles a TorchScript file of the cache for this machine, unless another process does so meanwhile.
 *
 * @returns whether the compiled model exists; false if the model cannot be compiled, or the cache cannot be written
 */
export async function compileInCache(
  torchScript: string,
  { path, precision, size }: CompiledModelFile,
  { threads, signal, replace, priority = 'normal' }: CompileInCacheOptions,
): Promise<boolean> {
  const lock = `${path}.lock`;
  const isLeftover = (name: string) =>
    name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp');
  try {
    await withLock(
      lock,
      async (signal) => {
        checkTrusted(dirname(path));
        await removeLeftoversLocked(lock, isLeftover);
        if (!replace && (await exists(path))) return;
        const model = await Classifier.load(
          (options) => {
            const loadOptions = { ...options, verify: true, device: 'cpu' } as const;
            return ScriptModule.loadWithPriority(torchScript, loadOptions, priority);
          },
          torchScript,
          { device: 'cpu', plan: 'interpreter', size, threads, signal },
        );
        try {
          await rejectOnAbort(signal, model.compile(path, { precision }));
          await protectFile(path);
        } finally {
          // A compilation that was aborted ends on a thread that is not waited for.
          await closeOrAbandon(model, signal.aborted ? 0 : undefined);
        }
      },
      { signal },
    );
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ModelError && error.code === 'ERR_SEMISUP_MODEL_KIND') return false;
    const isWriteFailure = error instanceof ModelError && error.code === 'ERR_SEMISUP_MODEL_WRITE';
    if (!isWriteFailure && !isUnwritable(error)) throw error;
    warnAboutCache(
      dirname(path),
      `${(error as SemisupError).what} Each process therefore plans the model from its TorchScript file, which takes longer to load.`,
    );
    return false;
  }
}

const turns = new Semaphore(1);

/** Runs a tuning after the earlier ones: they measure algorithms, and would disturb each other. */
export async function tuneInTurn<T>(tune: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return await rejectOnAbort(signal, turns.run(tune, { signal }));
}

interface CompileInCacheOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Whether an existing file is compiled again. */
  readonly replace: boolean;
  readonly priority?: Priority;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
