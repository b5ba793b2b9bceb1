import { toPrintable } from '../checkpoint/errors';
import type { StateDict } from '../checkpoint/state-dict';
import { CheckpointError } from '../errors';
import type { TensorSpec } from '../types';
import { isKerasName } from './keras';
import { biasOf, findHeads } from './old-head';
import { countByPrefix } from './prefixes';
import { architectures, resnet, type ArchitectureName } from '../models/resnet';
import type { SelectedState } from './select-state';
import { fits, head, tensorsOf } from './state';

/** Maximum number of names per kind in a message. */
const maxListed = 8;

/** How a checkpoint differs from a network. */
interface Mismatch {
  readonly architecture: ArchitectureName;
  readonly numClasses: number;
  /** The parameters and buffers of the network. */
  readonly expected: ReadonlyMap<string, TensorSpec>;
  readonly missing: readonly string[];
  /** Of a different shape, or a floating-point tensor instead of an integer one. */
  readonly misshapen: readonly string[];
  readonly unexpected: readonly string[];
}

type State = StateDict & Partial<SelectedState>;

/** The error that lists the mismatches and says which change would help. */
export function mismatchError(state: State, mismatch: Mismatch): CheckpointError {
  const { architecture, numClasses, expected, missing, misshapen, unexpected } = mismatch;
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_MISMATCH', {
    what: [
      `The checkpoint '${state.path}'${location(state)} does not match ${architecture} with ${numClasses} classes.`,
      ...summary('Missing', missing, (name) => {
        const type = state.others?.get(name);
        return type === undefined ? name : `${name} (it is a ${type})`;
      }),
      ...summary('With a different shape or dtype', misshapen, (name) => {
        return `${name} ${format(state.tensors.get(name)!)} instead of ${format(expected.get(name)!)}`;
      }),
      ...summary('Unexpected', unexpected, (name) => name),
    ].join(' '),
    remedy: remedyFor(state, mismatch),
    value: state.path,
  });
}

function location({ key, prefix }: State): string {
  const parts = [
    key && `its entry '${toPrintable(key)}'`,
    prefix && `names after '${toPrintable(prefix)}'`,
  ];
  const text = parts.filter(Boolean).join(', ');
  return text && ` (${text})`;
}

function summary(
  title: string,
  names: readonly string[],
  describe: (name: string) => string,
): string[] {
  if (names.length === 0) return [];
  const some = names.slice(0, maxListed).map((name) => toPrintable(describe(name)));
  const more = names.length > maxListed ? `; and ${names.length - maxListed} more` : '';
  return [`${title}: ${some.join('; ')}${more}.`];
}

function format({ dtype, shape }: TensorSpec): string {
  return `${dtype} [${shape.join(', ')}]`;
}

function remedyFor(state: State, mismatch: Mismatch): string {
  return (
    remedyForModule(state, mismatch) ??
    remedyForKeras(state, mismatch) ??
    remedyForHead(state, mismatch) ??
    remedyForArchitecture(state, mismatch) ??
    remedyForPrefixes(state, mismatch) ??
    remedyForNames(state, mismatch)
  );
}

/** For a checkpoint that contains the network as a pickled object, whose weights are not read. */
function remedyForModule({ modules }: State, { missing }: Mismatch): string | undefined {
  if (missing.length === 0) return undefined;
  for (const [key, type] of modules ?? []) {
    const entry = `checkpoint['${toPrintable(key).replaceAll('.', "']['")}']`;
    return `Its entry '${toPrintable(key)}' is a pickled object of the class ${toPrintable(type)}: save its state dict in Python, torch.save(${entry}.state_dict(), path).`;
  }
  return undefined;
}

function remedyForKeras({ tensors }: State, { architecture }: Mismatch): string | undefined {
  if (architecture === 'resnet50_v1' || !tensors.has('conv1/kernel')) return undefined;
  if (![...tensors.keys()].some(isKerasName)) return undefined;
  return "Load it as resnet50_baseline: it has the names of Keras's ResNet-50, whose stride is that of v1.";
}

/** For a checkpoint that differs in the head only. */
function remedyForHead(state: State, mismatch: Mismatch): string | undefined {
  const { architecture, numClasses, expected, missing, misshapen, unexpected } = mismatch;
  const faults = [...missing, ...misshapen];
  if (faults.length === 0 || !faults.every((name) => head.includes(name))) return undefined;
  const features = expected.get('fc.weight')!.shape[1]!;
  const replace = 'pass numClasses to replace it by a randomly initialized one';
  const export_ =
    'export the whole model in Python with torch.jit.script and open it with ScriptModule.load()';

  const found = state.tensors.get('fc.weight');
  if (found && unexpected.length === 0) {
    const [outputs, inputs] = found.shape;
    if (inputs !== features) {
      return `Its head takes ${inputs} features, but ${architecture} has ${features}: ${export_}, or ${replace}.`;
    }
    if (outputs !== numClasses) {
      return `Pass numClasses: ${outputs}, the number of classes of its head.`;
    }
    if (missing.includes('fc.bias')) {
      return `Its head has no bias: add zeros in Python, state_dict['fc.bias'] = torch.zeros(${outputs}).`;
    }
  }
  const inside = findHeads(state.tensors, expected);
  const outside = findHeads(state.outside ?? new Map(), expected);
  const heads = [
    ...inside.map(({ weight, outputs }) => ({ weight: (state.prefix ?? '') + weight, outputs })),
    ...outside,
  ];
  const [first] = heads;
  if (!first) {
    if (unexpected.length > 0) return undefined;
    return 'It has no head: pass numClasses to add a randomly initialized one, or save the complete state dict.';
  }
  const allowed = new Set(inside.flatMap(({ weight }) => [weight, biasOf(weight)]));
  const isSingle = heads.length === 1 && unexpected.every((name) => allowed.has(name));
  if (!isSingle) {
    return `Its head has more than one layer ('${toPrintable(first.weight)}' and others): ${export_}, or ${replace}.`;
  }
  const target = toPrintable(`${state.prefix ?? ''}fc.weight`);
  return `Its head is '${toPrintable(first.weight)}' [${first.outputs}, ${features}]: if no other layer follows the pooling, rename it in Python to '${target}', and its bias likewise; otherwise ${export_}, or ${replace}.`;
}

/** For a checkpoint of another architecture. */
function remedyForArchitecture(state: State, mismatch: Mismatch): string | undefined {
  const numClasses = state.tensors.get('fc.weight')?.shape[0] ?? mismatch.numClasses;
  const guess = recognize(state, numClasses);
  if (guess === undefined) return undefined;
  if (guess !== mismatch.architecture) {
    return `Load it as ${guess} with ${numClasses} classes, which it appears to be.`;
  }
  return 'Save the complete state dict again: nearly all of its tensors match.';
}

/** The architecture that has the most tensors in common, if more than 90 % match. */
function recognize(state: State, numClasses: number): ArchitectureName | undefined {
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

/** For a checkpoint whose names have different prefixes, such as `backbone.` and `module.backbone.`. */
function remedyForPrefixes(state: State, { missing }: Mismatch): string | undefined {
  const lacking = new Set(missing);
  const inside = [...state.tensors.keys()].map((name) => (state.prefix ?? '') + name);
  const names = [...inside, ...(state.outside ?? new Map<string, never>()).keys()];
  const counts = [...countByPrefix(names, (name) => lacking.has(name))].sort((a, b) => b[1] - a[1]);
  const [prefix, found] = counts[0] ?? ['', 0];
  if (2 * found < missing.length) return undefined;
  const other = state.prefix ? `with '${toPrintable(state.prefix)}'` : 'without a prefix';
  return `Remove the prefixes in Python: the names of ${found} tensors begin with '${toPrintable(prefix)}', the others ${other}.`;
}

function remedyForNames(state: State, { missing }: Mismatch): string {
  const [name] = state.tensors.keys();
  const [expected = 'conv1.weight'] = missing;
  if (name === undefined)
    return "Pass a state dict with the parameter names of torchvision's ResNet.";
  return `Rename its tensors in Python to the parameter names of torchvision's ResNet: its first is '${toPrintable(name)}', and '${expected}' is missing.`;
}
