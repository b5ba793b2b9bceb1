import { openCheckpoint } from '../checkpoint';
import { buildTorchScript } from '../convert';
import type { ModelMetadata } from '../models';
import type { ModelRecipe } from './build-model';

/** Writes the weights of the best epoch as a TorchScript file. */
export async function writeBest(
  path: string,
  weights: string,
  recipe: ModelRecipe,
): Promise<ModelMetadata> {
  const checkpoint = await openCheckpoint(weights);
  try {
    const { tensors } = checkpoint.stateDicts[0]!;
    const state = { path: weights, tensors, close: () => Promise.resolve() };
    return await buildTorchScript({ ...recipe, path, state });
  } finally {
    await checkpoint.close();
  }
}
