import { toPrintable } from '../checkpoint/errors';
import type { StateDict, StoredTensor } from '../checkpoint/state-dict';
import { CheckpointError } from '../errors';
import type { ModuleSpec, TensorSpec } from '../types';
import { architectures, resnet, type ArchitectureName } from './resnet';

/** The parameters of the last layer. */
const head = ['fc.weight', 'fc.bias'];

/** Maximum number of names per kind in an error message. */
const maxListed = 8;

/** The parameters and buffers of a module tree, by dotted name, in the order of PyTorch's `state_dict()`. */
export function tensorsOf(spec: ModuleSpec, prefix = ''): Map<string, TensorSpec> {
  const tensors = new Map<string, TensorSpec>();
  for (const [name, tensor] of Object.entries({ ...spec.parameters, ...spec.buffers })) {
    tensors.set(prefix + name, tensor);
  }
  for (const [name, module] of Object.entries(spec.modules ?? {})) {
    for (const entry of tensorsOf(module, `${prefix}${name}.`)) tensors.set(...entry);
  }
  return tensors;
}

/** The tensors to fill a network with. */
export interface Match {
  /** The checkpoint's tensor for each parameter and buffer that it fills. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Whether `fc` does not come from the checkpoint and must be initialized. */
  readonly needsHead: boolean;
}

/**
 * Finds the tensor of a checkpoint for each parameter and buffer of a network, strictly, as PyTorch's
 * `load_state_dict` does: no tensor may be missing, unexpected or of a different shape. Two exceptions:
 * `num_batches_tracked` may be missing (checkpoints from before PyTorch 0.4.1 have none) and is then
 * 0; and if the number of classes is not 1000, a head that does not match is ignored.
 *
 * @throws CheckpointError (`ERR_SEMISUP_CHECKPOINT_MISMATCH`) that lists the mismatches.
 */
export function matchState(
  state: StateDict,
  architecture: ArchitectureName,
  numClasses = 1000,
): Match {
  const expected = tensorsOf(resnet(architectures[architecture], numClasses));
  const needsHead =
    numClasses !== 1000 &&
    !head.every((name) => fits(state.tensors.get(name), expected.get(name)!));
  const tensors = new Map<string, StoredTensor>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [name, spec] of expected) {
    if (needsHead && head.includes(name)) continue;
    const tensor = state.tensors.get(name);
    if (fits(tensor, spec)) tensors.set(name, tensor);
    else if (tensor) misshapen.push(`${name} ${format(tensor)} instead of ${format(spec)}`);
    else if (!name.endsWith('.num_batches_tracked')) missing.push(name);
  }
  const unexpected = [...state.tensors.keys()].filter((name) => !expected.has(name));
  if (missing.length + misshapen.length + unexpected.length === 0) return { tensors, needsHead };

  throw new CheckpointError('ERR_SEMISUP_CHECKPOINT_MISMATCH', {
    what: [
      `The checkpoint '${state.path}' does not match ${architecture} with ${numClasses} classes.`,
      ...summary('Missing', missing),
      ...summary('With a different shape or dtype', misshapen),
      ...summary('Unexpected', unexpected),
    ].join(' '),
    remedy: remedyFor(state, architecture, numClasses),
    value: state.path,
  });
}

function fits(tensor: StoredTensor | undefined, spec: TensorSpec): tensor is StoredTensor {
  if (tensor === undefined) return false;
  return (
    tensor.dtype.includes('float') === spec.dtype.includes('float') &&
    tensor.shape.length === spec.shape.length &&
    tensor.shape.every((length, dimension) => length === spec.shape[dimension])
  );
}

function format({ dtype, shape }: TensorSpec): string {
  return `${dtype} [${shape.join(', ')}]`;
}

function summary(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const some = names.slice(0, maxListed).map(toPrintable).join('; ');
  const more = names.length > maxListed ? `; and ${names.length - maxListed} more` : '';
  return [`${title}: ${some}${more}.`];
}

/** The remedy: the architecture and number of classes that the checkpoint appears to have. */
function remedyFor(state: StateDict, asked: ArchitectureName, askedClasses: number): string {
  const numClasses = state.tensors.get('fc.weight')?.shape[0] ?? askedClasses;
  const guess = recognize(state, numClasses);
  if (guess === undefined) {
    return "Pass a state dict with the parameter names of torchvision's ResNet.";
  }
  if (guess !== asked) {
    return `Load it as ${guess} with ${numClasses} classes, which it appears to be.`;
  }
  return numClasses === askedClasses
    ? 'Save the complete state dict again: nearly all of its tensors match.'
    : `Pass numClasses: ${numClasses}, the number of classes of its head.`;
}

/** The architecture that has the most tensors in common, if more than 90 % match. */
function recognize(state: StateDict, numClasses: number): ArchitectureName | undefined {
  let best: ArchitectureName | undefined;
  let bestShare = 0.9;
  for (const name of Object.keys(architectures) as ArchitectureName[]) {
    const expected = tensorsOf(resnet(architectures[name], numClasses));
    const common = [...expected].filter(([key, spec]) => fits(state.tensors.get(key), spec)).length;
    const share = common / Math.max(expected.size, state.tensors.size);
    if (share > bestShare) [best, bestShare] = [name, share];
  }
  return best;
}
