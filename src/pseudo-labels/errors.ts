import { TrainingError } from '../errors';
import { errorReason } from '../net/error-reason';
import { abbreviate } from '../options';

/** The error for a file of scores or of a selection that cannot be written. */
export function writeError(path: string, cause: unknown): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_WRITE', {
    what: `'${abbreviate(path)}' could not be written: ${errorReason((cause as Error).cause ?? cause)}.`,
    remedy:
      'Free disk space there or change the permissions, and call it again: it goes on after the last file that was written.',
    value: path,
    cause,
  });
}

/** The error for a directory whose scores were computed under other conditions. */
export function otherRun(path: string, difference: string): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_RUN', {
    what: `'${abbreviate(path)}' has the scores of another run: ${difference}.`,
    remedy: 'Pass the same model, pool and options to go on with it, or another directory.',
    value: path,
  });
}

/** The error for scores from which nothing can be selected. */
export function unusableScores(path: string, problem: string, cause?: unknown): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_SCORES', {
    what: `The scores '${abbreviate(path)}' cannot be used: ${problem}.`,
    remedy:
      'Remove the file, if there is one, and call scorePool() again: it computes what is missing.',
    value: path,
    cause,
  });
}
