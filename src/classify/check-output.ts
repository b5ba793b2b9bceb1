import { ModelError } from '../errors';
import type { ModelMetadata } from '../models';
import { Tensor } from '../native';
import { type ScriptValue } from '../torch';
import type { CallableModule } from './callable-module';

/**
 * Runs a model of the caller's own once, so that a model which is not a classifier of the stated classes is
 * reported when it is opened, not with the first image.
 *
 * @throws ModelError unless `forward` returns one logit per class
 */
export async function checkOutput(module: CallableModule, metadata: ModelMetadata): Promise<void> {
  const { crop } = metadata.transform;
  const input = Tensor.from(new Float32Array(3 * crop * crop), [1, 3, crop, crop]);
  let output: ScriptValue;
  try {
    output = await module.invoke<ScriptValue>('forward', [input]);
    if (!(output instanceof Tensor)) throw wrongOutput(metadata, describeOutput(output));
    const { shape, dtype } = output;
    checkLogits(metadata, shape);
    if (dtype !== 'float32') throw wrongOutput(metadata, `a ${dtype} tensor`);
  } finally {
    if (output instanceof Tensor) output.dispose();
    input.dispose();
  }
}

/** @throws ModelError unless there is one row per image */
export function checkRows(
  { name }: ModelMetadata,
  [rows]: readonly number[],
  images: number,
): void {
  if (rows === images) return;
  throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `${name} returned ${rows ?? 'no'} rows for ${images} images.`,
    remedy: 'Change what the method returns: one row per image.',
    value: name,
  });
}

/** @throws ModelError unless `shape` is that of one logit per class, [n, classes] */
export function checkLogits(metadata: ModelMetadata, shape: readonly number[]): void {
  if (shape.length === 2 && shape[1] === metadata.numClasses) return;
  throw wrongOutput(metadata, `a tensor of shape [${shape.join(', ')}]`);
}

function wrongOutput(
  { name, numClasses, architecture }: ModelMetadata,
  output: string,
): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `${name} returned ${output}, but for its ${numClasses} classes it must return float32 logits of shape [n, ${numClasses}].`,
    remedy:
      architecture === null
        ? 'Pass one name per logit in `classes`, or change what the forward method returns.'
        : 'Export it again with hub.exportTorchScript().',
    value: name,
  });
}

function describeOutput(output: unknown): string {
  if (Array.isArray(output)) return `a tuple or list of ${output.length}`;
  return output === null ? 'None' : `a value of type ${typeof output}`;
}
