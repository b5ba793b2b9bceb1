import type { TensorSpec, ModuleSpec } from '../types';
import { cards } from './cards';
import type { ModelCard } from './cards';
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

function sizeOfModule({ parameters = {}, modules = {} }: ModuleSpec): number {
  const own = Object.values(parameters).map(sizeOf);
  return [...own, ...Object.values(modules).map(sizeOfModule)].reduce((sum, one) => sum + one, 0);
}

function sizeOf({ shape }: TensorSpec): number {
  return shape.reduce((size, side) => size * side, 1);
}
