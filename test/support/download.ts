import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { SemisupError } from '../../src/errors';
import type { RetryPolicy } from '../../src/net/retry';

/** The default number of attempts, without long delays. */
export const fastRetries: RetryPolicy = { attempts: 5, delay: 1, idleTimeout: 5_000 };

/** Asserts that a promise rejects with the code `ERR_SEMISUP_…` and returns the error. */
export async function failure(promise: Promise<unknown>, code: string): Promise<SemisupError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof SemisupError, String(error));
    assert.equal(error.code, `ERR_SEMISUP_${code}`, error.message);
    return error;
  }
  assert.fail(`expected ERR_SEMISUP_${code}`);
}

/** The sorted names in a directory. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).sort();
}
