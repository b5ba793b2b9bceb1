import type { TrainerSettings } from '../torch';

/** Which parameters are trained: those of the last layer, of the last stage as well, or all. */
export type Trainable = 'head' | 'last-stage' | 'all';

/** How parameters are grouped. */
export interface GroupOptions {
  readonly trainable: Trainable;
  readonly weightDecay: number;
  /** What the learning rate of a stage is multiplied by, compared with that of the next stage. */
  readonly layerDecay: number;
}

/**
 * The stages of a network, from the input to the output: the modules at its top level, with the parameters of each. A
 * module that has only vectors, such as a BatchNorm, belongs to the one before it.
 *
 * @param shapes those of the parameters by dotted name, in the order of the modules
 */
export function stagesOf(shapes: ReadonlyMap<string, readonly number[]>): string[][] {
  const modules = new Map<string, string[]>();
  for (const name of shapes.keys()) {
    const [module = ''] = name.split('.');
    modules.set(module, [...(modules.get(module) ?? []), name]);
  }
  const stages: string[][] = [];
  for (const names of modules.values()) {
    const previous = stages.at(-1);
    if (previous && names.every((name) => isVector(shapes.get(name)!))) previous.push(...names);
    else stages.push(names);
  }
  return stages;
}

/** The stages that are trained. */
export function trainedStages(stages: readonly string[][], trainable: Trainable): string[][] {
  const counts = { head: 1, 'last-stage': 2, all: stages.length };
  return stages.slice(-counts[trainable]);
}

/**
 * The groups of the optimizer. Vectors, which are biases and the weights of normalizations, are not decayed (He et al.,
 * "Bag of Tricks for Image Classification with Convolutional Neural Networks", 2019).
 */
export function groupParameters(
  shapes: ReadonlyMap<string, readonly number[]>,
  { trainable, weightDecay, layerDecay }: GroupOptions,
): TrainerSettings['groups'] {
  const stages = trainedStages(stagesOf(shapes), trainable);
  return stages.flatMap((stage, i) => {
    const lrScale = layerDecay ** (stages.length - 1 - i);
    const vectors = stage.filter((name) => isVector(shapes.get(name)!));
    const others = stage.filter((name) => !isVector(shapes.get(name)!));
    return [
      { names: others, lrScale, weightDecay },
      { names: vectors, lrScale, weightDecay: 0 },
    ].filter(({ names }) => names.length > 0);
  });
}

/**
 * The normalizations that remain in eval mode, by the names of their modules: those that are not trained, or all.
 *
 * @param buffers the names of the buffers
 * @param trained the names of the parameters that are trained
 */
export function frozenNormalizations(
  buffers: readonly string[],
  trained: ReadonlySet<string>,
  freezesAll: boolean,
): string[] {
  const suffix = '.running_mean';
  const modules = buffers
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length));
  return modules.filter((module) => freezesAll || !trained.has(`${module}.weight`));
}

function isVector(shape: readonly number[]): boolean {
  return shape.length <= 1;
}
