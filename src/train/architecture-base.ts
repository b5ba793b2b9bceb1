import type { StateDict } from '../checkpoint';
import type { Conditions } from '../conditions';
import { buildModule, randomState, toStoredTensors, type BuildOptions } from '../convert';
import { imagenetTransform, type ArchitectureName, type ModelMetadata } from '../models';
import { architectures } from '../models/resnet';
import { pick } from '../options';
import type { ScriptModule } from '../torch';
import type { Transform } from '../types';
import type { TrainedMetadata, TrainingBase, TrainingTarget } from './training-base';

type BaseMetadata = Pick<ModelMetadata, 'labels' | 'license' | 'source' | 'transform'> & {
  readonly architecture: ArchitectureName;
};

/**
 * The weights of an architecture of the hub. The last layer is initialized at random unless the base has the classes of
 * the dataset.
 */
class ArchitectureBase implements TrainingBase {
  readonly identity: Conditions;
  readonly #metadata: BaseMetadata;
  readonly #state: BuildOptions['state'];
  readonly #seed: number;

  constructor(
    metadata: BaseMetadata,
    identity: Conditions,
    state: BuildOptions['state'],
    seed: number,
  ) {
    this.identity = identity;
    this.#metadata = metadata;
    this.#state = state;
    this.#seed = seed;
  }

  get transform(): Transform {
    return this.#metadata.transform;
  }

  describe(target: TrainingTarget): TrainedMetadata {
    const { architecture, license, source } = this.#metadata;
    return {
      ...{ name: target.name, architecture, stride: architectures[architecture].stride },
      ...{ numClasses: target.labels.length, head: 'trained', labels: target.labels, license },
      source: source && pick(source, ['file', 'sha256']),
      transform: target.transform,
    };
  }

  async open(
    { name, numClasses, labels, source, transform }: TrainedMetadata,
    options: Parameters<TrainingBase['open']>[1],
  ): Promise<ScriptModule> {
    const { architecture, license } = this.#metadata;
    const { module } = await buildModule({
      card: { name, architecture, license, transform },
      ...{ source, labels, numClasses, seed: this.#seed, state: this.#stateFor(labels) },
      ...options,
    });
    return module;
  }

  async close(): Promise<void> {
    await this.#state.close();
  }

  /** The weights; those of the last layer only if it has the same classes. */
  #stateFor(labels: readonly string[]): BuildOptions['state'] {
    const tensors = new Map(this.#state.tensors);
    if (JSON.stringify(this.#metadata.labels) !== JSON.stringify(labels)) {
      tensors.delete('fc.weight');
      tensors.delete('fc.bias');
    }
    return { ...this.#state, tensors };
  }
}

/** The weights of a module. @param module closed with the base */
export async function openPretrained(
  model: string,
  module: ScriptModule,
  metadata: BaseMetadata,
  identity: Conditions,
  seed: number,
): Promise<TrainingBase> {
  const state: StateDict = {
    path: model,
    tensors: await toStoredTensors(module),
    close: () => module.close(),
  };
  const { key, prefix } = metadata.source ?? {};
  return new ArchitectureBase(metadata, identity, { ...state, key, prefix }, seed);
}

/** Random weights. */
export function openUntrained(architecture: ArchitectureName, seed: number): TrainingBase {
  const metadata = { architecture, labels: null, license: null, source: null };
  return new ArchitectureBase(
    { ...metadata, transform: imagenetTransform },
    { random: architecture, seed },
    randomState(architecture, seed),
    seed,
  );
}
