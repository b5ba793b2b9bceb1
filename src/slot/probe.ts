import { Classifier, type Model } from '../classify';
import { ModelError } from '../errors';
import { Tensor } from '../native';
import { type KeywordArguments, type ScriptValue } from '../torch';

/** A call that warms up and checks a new model. */
export interface Probe {
  /** Makes the call; returns the tensors of the result, which the caller disposes. */
  run(model: Model): Promise<Tensor[]>;
  /** The shapes of the active model's result tensors. */
  readonly shapes: readonly (readonly number[])[];
}

/**
 * Selects the probe for a model that replaces `current`; undefined if no valid call is known.
 *
 * @param lastForwardCall the last call of `forward`, as a probe
 */
export function selectProbe(
  next: Model,
  current: Model,
  lastForwardCall: Probe | undefined,
): Probe | undefined {
  if (!(next instanceof Classifier)) return lastForwardCall;
  if (current instanceof Classifier) return imageProbe(current.classes.length);
  return lastForwardCall ?? imageProbe(next.classes.length);
}

/** Converts a completed call of `forward` to a probe; undefined if it had arguments other than tensors. */
export function toProbe(
  args: readonly (ScriptValue | KeywordArguments)[],
  result: ScriptValue,
): Probe | undefined {
  if (!args.every((argument) => argument instanceof Tensor)) return undefined;
  const inputs = args.map(({ dtype, shape }) => ({ dtype, shape }));
  return {
    shapes: tensorsIn(result).map(({ shape }) => shape),
    run: async (model) => {
      const module = model instanceof Classifier ? model.module : model;
      const tensors = inputs.map(toTensor);
      try {
        return tensorsIn(await module.invoke<ScriptValue>('forward', tensors));
      } finally {
        dispose(tensors);
      }
    },
  };
}

/**
 * Checks that the new model returns finite tensors of the same shapes as the active one. A module must
 * not replace a classifier.
 *
 * @throws ModelError (`ERR_SEMISUP_MODEL_KIND`) otherwise
 */
export async function checkCompatibility(
  next: Model,
  current: Model,
  probe: Probe | undefined,
): Promise<void> {
  if (current instanceof Classifier && !(next instanceof Classifier)) {
    throw incompatible('It is a TorchScript module, but the active model is a classifier.');
  }
  if (!probe) return;
  const tensors = await probe.run(next);
  try {
    const [received, expected] = [tensors.map(({ shape }) => shape), probe.shapes].map(describe);
    if (received !== expected) {
      throw incompatible(
        `Expected tensors ${expected} like those of the active model, but received ${received}.`,
      );
    }
    for (const tensor of tensors) {
      if (!(await isFinite(tensor))) throw incompatible('Its output contains infinities or NaN.');
    }
  } finally {
    dispose(tensors);
  }
}

export function dispose(tensors: readonly Tensor[]): void {
  for (const tensor of tensors) tensor.dispose();
}

/** A gray image, which runs through the image pipeline. */
function imageProbe(classes: number): Probe {
  return {
    shapes: [[1, classes]],
    run: async (model) => {
      const classifier = model as Classifier;
      const side = classifier.metadata.transform.crop;
      const data = Buffer.alloc(side * side * 3, 128);
      return [await classifier.logits({ data, width: side, height: side, channels: 3 })];
    },
  };
}

/** Integer tensors are zero, so that they are valid as indices. */
function toTensor({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): Tensor {
  const length = shape.reduce((count, side) => count * side, 1);
  const fill = dtype.includes('float') ? 0.5 : 0;
  const tensor = Tensor.from(new Float32Array(length).fill(fill), shape);
  try {
    return tensor.to({ dtype });
  } finally {
    tensor.dispose();
  }
}

function tensorsIn(value: ScriptValue): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value !== 'object' || value === null) return [];
  const values = value instanceof Map ? value.values() : Object.values(value);
  return [...(values as Iterable<ScriptValue>)].flatMap(tensorsIn);
}

async function isFinite(tensor: Tensor): Promise<boolean> {
  if (!tensor.dtype.includes('float')) return true;
  return (await tensor.toFloat32()).every(Number.isFinite);
}

function describe(shapes: readonly (readonly number[])[]): string {
  return shapes.map((shape) => `[${shape.join(', ')}]`).join(', ') || 'none';
}

function incompatible(what: string): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what,
    remedy: 'If this is intended, pass your own `check`.',
  });
}
