import { access, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Classifier } from '../classify';
import { ModelError } from '../errors';
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
          await model.compile(path, { precision });
          await protectFile(path);
        } catch (error) {
          await rm(path, { force: true });
          throw error;
        } finally {
          await model.close();
        }
      },
      { signal },
    );
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    const codes = ['ERR_SEMISUP_MODEL_KIND', 'ERR_SEMISUP_MODEL_WRITE'];
    const isExpected = error instanceof ModelError && codes.includes(error.code);
    if (isExpected || isUnwritable(error)) return false;
    throw error;
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
