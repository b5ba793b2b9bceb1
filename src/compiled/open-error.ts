import { ModelError } from '../errors';

/** Adds the name of the file to an error of the addon. */
export function explainOpenError(error: unknown, name: string): unknown {
  if (error instanceof ModelError) {
    const { code, cause } = error;
    const problem = error.what.replace(/\.$/, '');
    if (code === 'ERR_SEMISUP_MODEL_NOT_FOUND') {
      return new ModelError(code, {
        what: `${name} could not be read: ${problem}.`,
        remedy: error.remedy,
        value: name,
        cause,
      });
    }
    return code === 'ERR_SEMISUP_MODEL_PROCESSOR'
      ? new ModelError(code, {
          what: `${name} cannot run on this processor: ${problem}.`,
          remedy:
            'Compile the model for it too: semisup compile --cpu takes several instruction sets. Or lower the instruction set in use: SEMISUP_CPU.',
          value: name,
          cause,
        })
      : damaged(name, problem, error);
  }
  // Of the metadata.
  return error instanceof Error && !('code' in error) ? damaged(name, error.message, error) : error;
}

function damaged(name: string, problem: string, cause: unknown): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `${name} could not be opened as a compiled model: ${problem}.`,
    remedy: 'Compile the model again with semisup compile.',
    value: name,
    cause,
  });
}
