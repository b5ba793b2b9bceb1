import { IndexError } from '../errors';
import { abbreviate } from '../options';

/** The file cannot be read as an index. The message is a clause such as "it is truncated". */
export class InvalidIndex extends Error {}

/** The error for a file that cannot be read as an index. */
export function damaged(path: string, problem: string, cause: unknown): IndexError {
  return new IndexError('ERR_SEMISUP_INDEX_FORMAT', {
    what: `'${abbreviate(path)}' could not be opened as an index: ${problem}.`,
    remedy: 'Delete it and index the images again, or restore a copy.',
    value: path,
    cause,
  });
}
