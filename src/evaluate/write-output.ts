import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EvaluationError } from '../errors';
import { errorReason } from '../net/error-reason';
import { temporaryPath } from '../net/temporary-file';

/** Writes a text file, or replaces it as a whole. @throws EvaluationError if it cannot be written */
export async function writeOutput(path: string, text: string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new EvaluationError('ERR_SEMISUP_EVALUATION_RESULTS', {
      what: `${path} cannot be written: ${errorReason(cause)}.`,
      remedy: 'Choose a writable path, or free disk space.',
      value: path,
      cause,
    });
  }
}
