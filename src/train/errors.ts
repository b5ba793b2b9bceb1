import { TrainingError } from '../errors';
import { errorReason } from '../net/error-reason';

const divergedRemedy =
  'Lower lr, lengthen warmupEpochs, or set clipNorm, e.g. to 1. The state after the last complete epoch is kept in runDir.';

/** The error for a file or directory of a run that cannot be written. */
export function unwritable(path: string, cause: unknown): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_WRITE', {
    what: `${path} could not be written: ${errorReason((cause as Error).cause ?? cause)}.`,
    remedy:
      'Free disk space there or change the permissions, and run the training again: it goes on after the last epoch that was saved.',
    value: path,
    cause,
  });
}

/**
 * The error for a loss or gradient that is not finite.
 *
 * @param what as the subject of a sentence
 * @param step such as `3 of epoch 2`
 */
export function diverged(what: string, value: number, step: string, lr: number): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_DIVERGED', {
    what: `${what} of step ${step} is ${value}: the training diverged at a learning rate of ${lr}.`,
    remedy: divergedRemedy,
    value: step,
  });
}

/** The error for a model whose logits are not finite. @param epoch from 1 */
export function divergedAfter(epoch: number): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_DIVERGED', {
    what: `The model has logits that are not finite after epoch ${epoch}: the training diverged.`,
    remedy: divergedRemedy,
    value: epoch,
  });
}
