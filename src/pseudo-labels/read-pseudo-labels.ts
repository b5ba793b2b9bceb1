import { join } from 'node:path';
import type * as hyparquet from 'hyparquet' with { 'resolution-mode': 'import' };
import { TrainingError } from '../errors';
import { errorReason } from '../net/error-reason';
import { abbreviate } from '../options';
import { metadataKey } from './score-rows';
import type { PseudoLabeledImage } from './selection';

/**
 * Reads the images of a selection and their labels from the directory that `selectImages` wrote.
 *
 * @param numClasses the number of classes that it must be of
 * @throws TrainingError if there is none, it is damaged, or is of another number of classes
 */
export async function readPseudoLabels(
  directory: string,
  numClasses: number,
): Promise<PseudoLabeledImage[]> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } =
    require('hyparquet') as typeof hyparquet;
  const path = join(directory, 'images.parquet');
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const text = metadata.key_value_metadata?.find(({ key }) => key === metadataKey)?.value;
    const { scoring } = JSON.parse(text ?? 'null') as {
      scoring: { conditions: { classes: number } };
    };
    const { classes } = scoring.conditions;
    if (classes !== numClasses)
      throw new Error(`it is of ${classes} classes, not of ${numClasses}`);
    return (await parquetReadObjects({ file, metadata })) as unknown as PseudoLabeledImage[];
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): TrainingError {
  const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  return new TrainingError('ERR_SEMISUP_TRAINING_SCORES', {
    what: `The selection '${abbreviate(path)}' cannot be used: ${isMissing ? 'it does not exist' : errorReason(cause)}.`,
    remedy: 'Select again with selectImages() and its option out.',
    value: path,
    cause,
  });
}
