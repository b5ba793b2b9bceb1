import type { BuildOptions } from '../convert';
import { pick } from '../options';
import { modelNameOf } from '../teach';
import type { Transform } from '../types';
import type { BaseWeights } from './base-weights';

/** How a network with the weights of a base is built, but for the tensors. */
export type ModelRecipe = Pick<BuildOptions, 'card' | 'source' | 'labels' | 'numClasses' | 'seed'>;

/**
 * The recipe of a model with the classes of a dataset. The last layer is initialized at random unless the base has the same
 * classes.
 *
 * @param path the file that the model is written to
 */
export function recipeOf(
  path: string,
  { metadata }: BaseWeights,
  {
    transform,
    labels,
    seed,
  }: {
    readonly transform: Transform;
    readonly labels: readonly string[];
    readonly seed: number;
  },
): ModelRecipe {
  const { architecture, license, source } = metadata;
  return {
    card: { name: modelNameOf(path), architecture, license, transform },
    source: source && pick(source, ['file', 'sha256']),
    ...{ labels, seed, numClasses: labels.length },
  };
}

/** The weights of a base; those of its last layer only if it has the same classes. */
export function stateOf(
  { state, metadata }: BaseWeights,
  labels: readonly string[],
): BuildOptions['state'] {
  const tensors = new Map(state.tensors);
  if (JSON.stringify(metadata.labels) !== JSON.stringify(labels)) {
    tensors.delete('fc.weight');
    tensors.delete('fc.bias');
  }
  return { ...state, tensors };
}
