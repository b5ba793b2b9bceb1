import { toStoredTensors, type BuildOptions } from '../convert';
import { modelNameOf } from '../teach';
import type { BaseModule } from './base-module';

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
  { metadata }: BaseModule,
  labels: readonly string[],
  seed: number,
): ModelRecipe {
  const { architecture, license, transform, source } = metadata;
  const { file, sha256 } = source!;
  return {
    card: { name: modelNameOf(path), architecture, license, transform },
    source: { file, sha256 },
    ...{ labels, seed, numClasses: labels.length },
  };
}

/** The weights of a base; those of its last layer only if it has the same classes. */
export async function stateOf(
  { module, metadata }: BaseModule,
  labels: readonly string[],
): Promise<BuildOptions['state']> {
  const tensors = await toStoredTensors(module);
  const { source } = metadata;
  if (JSON.stringify(metadata.labels) !== JSON.stringify(labels)) {
    tensors.delete('fc.weight');
    tensors.delete('fc.bias');
  }
  return {
    path: source!.file,
    ...{ tensors, key: source!.key, prefix: source!.prefix },
    close: () => Promise.resolve(),
  };
}
