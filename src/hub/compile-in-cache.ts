import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Classifier } from '../classify';
import { ModelError, type SemisupError } from '../errors';
import { closeOrAbandon, rejectOnAbort } from '../native';
import { warnAboutCache } from '../net/cache-warning';
import { isUnwritable } from '../net/disk';
import { withLock } from '../net/lock';
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
  { path, precision }: CompiledModelFile,
  { threads, signal, replace }: CompileInCacheOptions,
): Promise<boolean> {
  try {
    await withLock(
      `${path}.lock`,
      async (signal) => {
        checkTrusted(dirname(path));
        if (!replace && (await exists(path))) return;
        const model = await Classifier.open(torchScript, {
          ...{ device: 'cpu', plan: 'interpreter', verify: true, threads, signal },
        });
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

interface CompileInCacheOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Whether an existing file is compiled again. */
  readonly replace: boolean;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
