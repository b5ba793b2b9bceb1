import type { StateDict, StoredTensor } from '../checkpoint/state-dict';
import { oldHeadNames } from './old-head';
import { mismatchError } from './mismatch';
import { architectures, resnet, type ArchitectureName } from '../models/resnet';
import type { SelectedState } from './select-state';
import { fits, head, isOptional, tensorsOf } from './state';

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
 * `num_batches_tracked` may be missing and is then 0; and a head that does not match is ignored if
 * `replacesHead`, by default if the number of classes is not 1000.
 *
 * @throws CheckpointError (`ERR_SEMISUP_CHECKPOINT_MISMATCH`) that lists the mismatches.
 */
export function matchState(
  state: StateDict & Partial<SelectedState>,
  architecture: ArchitectureName,
  numClasses = 1000,
  replacesHead = numClasses !== 1000,
): Match {
  const expected = tensorsOf(resnet(architectures[architecture], numClasses));
  const needsHead =
    replacesHead && !head.every((name) => fits(state.tensors.get(name), expected.get(name)!));
  const tensors = new Map<string, StoredTensor>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [name, spec] of expected) {
    if (needsHead && head.includes(name)) continue;
    const tensor = state.tensors.get(name);
    if (fits(tensor, spec)) tensors.set(name, tensor);
    else if (tensor) misshapen.push(name);
    else if (!isOptional(name)) missing.push(name);
  }
  const ignored = new Set(needsHead ? oldHeadNames(state.tensors, expected) : []);
  const unexpected = [...state.tensors.keys()].filter(
    (name) => !expected.has(name) && !ignored.has(name),
  );
  if (missing.length + misshapen.length + unexpected.length === 0) return { tensors, needsHead };
  throw mismatchError(state, {
    architecture,
    numClasses,
    expected,
    missing,
    misshapen,
    unexpected,
  });
}
