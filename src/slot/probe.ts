import { Classifier, type Model } from '../classify';
import { ModelError } from '../errors';
import { Tensor, type Keywords, type Value } from '../torch';

/** A request to try a new model with. */
export interface Probe {
  /** Sends it; gives the tensors of the answer. */
  run(model: Model): Promise<Tensor[]>;
  /** The shapes of the tensors that the model that serves answers with. */
  readonly shapes: readonly (readonly number[])[];
}

/**
 * The probe that suits a model that is to follow `current`; none where it is not known what the model
 * is asked.
 *
 * @param seen the last call of `forward`, as a probe
 */
export function probeFor(next: Model, current: Model, seen: Probe | undefined): Probe | undefined {
  if (!(next instanceof Classifier)) return seen;
  if (current instanceof Classifier) return imageProbe(current.classes.length);
  return seen ?? imageProbe(next.classes.length);
}

/** A call of `forward` that was answered, as a probe; none if it had other arguments than tensors. */
export function toProbe(args: readonly (Value | Keywords)[], answer: Value): Probe | undefined {
  if (!args.every((argument) => argument instanceof Tensor)) return undefined;
  const inputs = args.map(({ dtype, shape }) => ({ dtype, shape }));
  return {
    shapes: tensorsIn(answer).map(({ shape }) => shape),
    run: async (model) => {
      const module = model instanceof Classifier ? model.module : model;
      const tensors = inputs.map(toTensor);
      try {
        return tensorsIn(await module.invoke<Value>('forward', tensors));
      } finally {
        dispose(tensors);
      }
    },
  };
}

/**
 * Throws unless the new model answers as the one that serves does: with finite tensors of the same
 * shapes. A bare module may not follow a classifier.
 */
export async function checkLikeness(
  next: Model,
  current: Model,
  probe: Probe | undefined,
): Promise<void> {
  if (current instanceof Classifier && !(next instanceof Classifier)) {
    throw unlike('It is a bare TorchScript module, and the model that serves is a classifier.');
  }
  if (!probe) return;
  const tensors = await probe.run(next);
  try {
    const [given, expected] = [tensors.map(({ shape }) => shape), probe.shapes].map(describe);
    if (given !== expected) {
      throw unlike(`It answers with ${given}, and the model that serves with ${expected}.`);
    }
    for (const tensor of tensors) {
      if (!(await isFinite(tensor))) throw unlike('It answers with infinities or NaN.');
    }
  } finally {
    dispose(tensors);
  }
}

/** Frees tensors. */
export function dispose(tensors: readonly Tensor[]): void {
  for (const tensor of tensors) tensor.dispose();
}

/** A grey image, by the way that images go. */
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

/** Of whole numbers zeros, which are fit to be indices. */
function toTensor({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): Tensor {
  const length = shape.reduce((count, side) => count * side, 1);
  const value = dtype.includes('float') ? 0.5 : 0;
  using tensor = Tensor.from(new Float32Array(length).fill(value), shape);
  return tensor.to({ dtype });
}

function tensorsIn(value: Value): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value !== 'object' || value === null) return [];
  const values = value instanceof Map ? value.values() : Object.values(value);
  return [...(values as Iterable<Value>)].flatMap(tensorsIn);
}

async function isFinite(tensor: Tensor): Promise<boolean> {
  if (!tensor.dtype.includes('float')) return true;
  return (await tensor.toFloat32()).every(Number.isFinite);
}

function describe(shapes: readonly (readonly number[])[]): string {
  return shapes.map((shape) => `[${shape.join(', ')}]`).join(', ') || 'no tensor';
}

function unlike(what: string): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what,
    remedy: 'If that is as it should be, pass a `check` of your own.',
  });
}
