import type { TensorSpec, ModuleSpec } from '../types';
import { cards } from './cards';
import type { ModelCard } from './cards';
import type { FeatureInfo } from './feature-info';
import type { ModelMetadata } from './metadata';
import { architectures, resnet } from './resnet';

/** The card of a model with its published weights; undefined for one with weights of the user's own. */
export function cardOf({ name, head, license }: ModelMetadata): ModelCard | undefined {
  // Weights of the user's own have no license.
  if (head !== 'checkpoint' || license === null) return undefined;
  return cards.find((card) => card.name === name);
}

/** The number of a model's parameters; undefined for a model of the user's own. */
export function countParameters({ architecture, numClasses }: ModelMetadata): number | undefined {
  return architecture === null
    ? undefined
    : sizeOfModule(resnet(architectures[architecture], numClasses));
}

/** The elements of `pyramid`'s result: the stem and the four stages of a residual network, or those of a user's own. */
export function featureInfo({ architecture, featureInfo }: ModelMetadata): readonly FeatureInfo[] {
  if (architecture === null) return featureInfo ?? [];
  const expansion = architectures[architecture].block === 'basic' ? 1 : 4;
  const stages = [0, 1, 2, 3].map((stage) => ({
    module: `layer${stage + 1}`,
    channels: 64 * 2 ** stage * expansion,
    reduction: 4 * 2 ** stage,
  }));
  return [{ module: 'relu', channels: 64, reduction: 2 }, ...stages];
}

function sizeOfModule({ parameters = {}, modules = {} }: ModuleSpec): number {
  const own = Object.values(parameters).map(sizeOf);
  return [...own, ...Object.values(modules).map(sizeOfModule)].reduce((sum, one) => sum + one, 0);
}

function sizeOf({ shape }: TensorSpec): number {
  return shape.reduce((size, side) => size * side, 1);
}
