import type { StoredTensor } from '../checkpoint/state-dict';
import type { TensorSpec } from '../types';

/** A linear layer in the place of `fc`, e.g. `fc.1` of `nn.Sequential(nn.Dropout(), nn.Linear(…))`. */
export interface OldHead {
  /** The name of its weight, of the shape [outputs, features]. */
  readonly weight: string;
  readonly outputs: number;
}

/** The linear layers among `tensors` that take the network's features and are not its `fc`. */
export function findHeads(
  tensors: ReadonlyMap<string, StoredTensor>,
  expected: ReadonlyMap<string, TensorSpec>,
): OldHead[] {
  const features = expected.get('fc.weight')!.shape[1];
  return [...tensors].flatMap(([weight, { shape }]) => {
    const [outputs, inputs] = shape;
    const isHead = shape.length === 2 && inputs === features && !expected.has(weight);
    return isHead ? [{ weight, outputs: outputs! }] : [];
  });
}

/** The tensors of a head that is replaced: all of `fc`, and of a linear layer of another name. */
export function oldHeadNames(
  tensors: ReadonlyMap<string, StoredTensor>,
  expected: ReadonlyMap<string, TensorSpec>,
): string[] {
  const heads = findHeads(tensors, expected).flatMap(({ weight }) => [weight, biasOf(weight)]);
  return [...heads, ...[...tensors.keys()].filter((name) => name.startsWith('fc.'))];
}

/** The name of the bias that belongs to a weight. */
export function biasOf(weight: string): string {
  return weight.replace(/weight$/, 'bias');
}
