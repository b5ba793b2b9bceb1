import type { Conditions } from '../conditions';
import type { ModelMetadata } from '../models';
import type { ExecutorOptions } from '../native';
import type { ScriptModule } from '../torch';
import type { Transform } from '../types';

/** What a training is to make of its base. */
export interface TrainingTarget {
  /** The name of the trained model. */
  readonly name: string;
  /** The classes of the dataset. */
  readonly labels: readonly string[];
  readonly transform: Transform;
}

/** The metadata of a trained model. */
export type TrainedMetadata = ModelMetadata & { readonly labels: readonly string[] };

/** What a training starts from: the weights of an architecture, or a module of the user's own. */
export interface TrainingBase {
  /** That of the images, unless options change it. */
  readonly transform: Transform;
  /** Identifies the weights. */
  readonly identity: Conditions;
  /** The metadata of the model that is trained. */
  describe(target: TrainingTarget): TrainedMetadata;
  /**
   * The module to train, on the CPU, which the caller closes.
   *
   * @throws TrainingError if it has not as many classes
   */
  open(
    metadata: TrainedMetadata,
    options: ExecutorOptions & { readonly signal?: AbortSignal },
  ): Promise<ScriptModule>;
  close(): Promise<void>;
}
