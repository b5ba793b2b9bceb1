import type { Conditions } from '../conditions';
import { ScriptError, TrainingError } from '../errors';
import { imagenetTransform, type ModelMetadata } from '../models';
import { Tensor } from '../native';
import { abbreviate } from '../options';
import type { ScriptModule, ScriptValue } from '../torch';
import type { Transform } from '../types';
import type { TrainedMetadata, TrainingBase, TrainingTarget } from './training-base';

/** More than one image: a trace may have recorded the size of its batch. */
const batch = 2;

/** A module of the user's own, which is trained as it is: which of its layers could be replaced is not known. */
export class ModuleBase implements TrainingBase {
  readonly identity: Conditions;
  readonly #model: string;
  readonly #module: ScriptModule;
  readonly #metadata: ModelMetadata | undefined;

  /** @param module closed with the base */
  constructor(
    model: string,
    module: ScriptModule,
    metadata: ModelMetadata | undefined,
    identity: Conditions,
  ) {
    this.identity = identity;
    this.#model = model;
    this.#module = module;
    this.#metadata = metadata;
  }

  get transform(): Transform {
    return this.#metadata?.transform ?? imagenetTransform;
  }

  describe({ name, labels, transform }: TrainingTarget): TrainedMetadata {
    const { license = null, featureInfo } = this.#metadata ?? {};
    return {
      ...{ name, architecture: null, stride: null, head: null, source: null, license },
      ...{ numClasses: labels.length, labels, transform, ...(featureInfo && { featureInfo }) },
    };
  }

  async open({ labels, transform }: TrainedMetadata): Promise<ScriptModule> {
    const output = await this.#run(transform.crop);
    try {
      const isLogits = output instanceof Tensor && output.shape.length === 2;
      if (!isLogits || output.shape[0] !== batch) throw this.#withoutLogits();
      const count = output.shape[1]!;
      if (count !== labels.length) throw this.#otherClasses(count, labels.length);
      return this.#module;
    } finally {
      if (output instanceof Tensor) output.dispose();
    }
  }

  async close(): Promise<void> {
    await this.#module.close();
  }

  /** The output for a batch of black images. */
  async #run(side: number): Promise<ScriptValue> {
    const input = Tensor.from(new Float32Array(batch * 3 * side * side), [batch, 3, side, side]);
    try {
      return await this.#module.forward<ScriptValue>(input);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      // Without the traceback, which is in the cause.
      const reason = error.what.trim().split('\n').at(-1);
      throw new TrainingError('ERR_SEMISUP_TRAINING_MODULE', {
        what: `'${abbreviate(this.#model)}' failed on images of ${side} x ${side} pixels: ${reason}`,
        remedy: 'Pass the side of its input as `size`.',
        value: this.#model,
        cause: error,
      });
    } finally {
      input.dispose();
    }
  }

  #withoutLogits(): TrainingError {
    return new TrainingError('ERR_SEMISUP_TRAINING_MODULE', {
      what: `'${abbreviate(this.#model)}' does not return logits [n, classes] for n images.`,
      remedy:
        'Change what its forward method returns. If it was traced, save it with torch.jit.script.',
      value: this.#model,
    });
  }

  #otherClasses(count: number, expected: number): TrainingError {
    return new TrainingError('ERR_SEMISUP_TRAINING_MODULE', {
      what: `Expected ${expected} logits for the ${expected} classes of the dataset, but '${abbreviate(this.#model)}' returns ${count}.`,
      remedy: `Replace its last layer by one of ${expected} outputs in Python, before torch.jit.script, or train with a dataset of ${count} classes.`,
      value: this.#model,
    });
  }
}
