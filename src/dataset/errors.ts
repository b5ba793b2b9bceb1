import { DatasetError } from '../errors';
import { errorReason } from '../net/error-reason';

/** The error for a file or directory of a dataset that cannot be read. */
export function unreadable(path: string, cause: unknown): DatasetError {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
  return new DatasetError('ERR_SEMISUP_DATASET_NOT_FOUND', {
    what: isMissing ? `${path} does not exist.` : `${path} cannot be read: ${errorReason(cause)}.`,
    remedy: 'Check the path and its permissions.',
    value: path,
    cause,
  });
}

/** The error for a file of a dataset whose content is not what its format prescribes. */
export function malformed(path: string, problem: string, remedy: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_FORMAT', {
    what: `${path} ${problem}.`,
    remedy,
    value: path,
  });
}

/** The error for two images of one name. */
export function duplicate(dataset: string, name: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_DUPLICATE', {
    what: `${dataset} contains the image ${name} twice.`,
    remedy: 'Remove or rename one of them: results are kept by name.',
    value: name,
  });
}
