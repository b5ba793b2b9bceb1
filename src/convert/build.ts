import { contiguousStride, type StateDict, type StoredTensor } from '../checkpoint';
import { toPrintable } from '../checkpoint/errors';
import { invalidValue } from '../options';
import { type ExecutorOptions } from '../native';
import { ScriptModule } from '../torch';
import { dtypeBytes, type ModuleSpec } from '../types';
import type { ModelCard } from '../models/cards';
import { initializeHead } from './head';
import { fromKeras } from './keras';
import {
  formatMetadata,
  isClassCount,
  metadataFile,
  type ModelMetadata,
  type WeightsSource,
} from '../models/metadata';
import { checkNumClasses } from '../models/num-classes';
import { architectures, resnet } from '../models/resnet';
import { matchState } from './match-state';
import type { SelectedState } from './select-state';

/** Options of `buildModule`. */
export interface BuildOptions extends ExecutorOptions {
  /** The model to build; its `license` is null for custom weights. */
  readonly card: Pick<ModelCard, 'name' | 'architecture' | 'transform'> & {
    readonly license: ModelCard['license'] | null;
  };
  /**
   * The weights, with torchvision's names or, for `resnet50_v1`, Keras's, as `selectState` returns them; not
   * closed.
   */
  readonly state: StateDict & Partial<SelectedState>;
  /** The checkpoint's file name and its SHA-256 in 64 hex digits, for the metadata; null for random weights. */
  readonly source: Pick<WeightsSource, 'file' | 'sha256'> | null;
  /** By default the checkpoint's number of classes; for any other but 1000, `fc` is initialized. */
  readonly numClasses?: number;
  /** The names of the classes of a last layer that was trained for them; by default those of ImageNet. */
  readonly labels?: readonly string[];
  /** Seed of the initialized `fc`, a 32-bit integer; 0 by default. */
  readonly seed?: number;
  /** Called after each tensor with the bytes filled so far and those of all tensors. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** A module built from an architecture and a checkpoint. */
export interface BuiltModule {
  readonly module: ScriptModule;
  readonly metadata: ModelMetadata;
}

/**
 * Writes a TorchScript file from an architecture and a checkpoint, as `buildModule` builds it. The file is
 * renamed to its final name once it is complete.
 *
 * @returns the metadata
 * @throws CheckpointError if the checkpoint is damaged or of another architecture
 * @throws ModelError (`ERR_SEMISUP_MODEL_WRITE`) if the file cannot be written
 */
export async function buildTorchScript({
  path,
  ...options
}: BuildOptions & { readonly path: string }): Promise<ModelMetadata> {
  const { module, metadata } = await buildModule(options);
  try {
    await module.save(path);
    return metadata;
  } finally {
    await module.close();
  }
}

/**
 * Builds a module from an architecture and a checkpoint: methods `forward`, `features`, `feature_map`, `pyramid` and
 * `class_maps` (see `resnet`), metadata in the extra file `semisup.json`. Tensors are read and filled one at a time.
 *
 * @returns a module on the CPU, which the caller closes
 * @throws CheckpointError if the checkpoint is damaged or of another architecture
 */
export async function buildModule({
  card,
  state,
  source,
  numClasses: requestedClasses,
  labels,
  seed = 0,
  onProgress,
  signal,
  ...executorOptions
}: BuildOptions): Promise<BuiltModule> {
  if (requestedClasses !== undefined) checkNumClasses(requestedClasses);
  if (!Number.isInteger(seed)) throw invalidValue('seed', 'a whole number', seed);
  const keras = card.architecture === 'resnet50_v1' && state.tensors.has('conv1/kernel');
  const weights = keras ? fromKeras(state) : state;
  const numClasses = requestedClasses ?? classCount(weights);
  const spec = resnet(architectures[card.architecture], numClasses);
  // A head is replaced only on request: never because the checkpoint's cannot be used.
  const replacesHead =
    requestedClasses !== undefined && (requestedClasses !== 1000 || labels !== undefined);
  const { tensors, needsHead } = matchState(weights, card.architecture, numClasses, replacesHead);
  const metadata: ModelMetadata = {
    name: card.name,
    architecture: card.architecture,
    stride: architectures[card.architecture].stride,
    numClasses,
    head: needsHead ? 'random' : labels ? 'trained' : 'checkpoint',
    labels: labels ?? (numClasses === 1000 ? 'imagenet1k' : null),
    license: card.license,
    source: source && {
      file: toPrintable(source.file),
      sha256: source.sha256,
      ...(state.key && { key: toPrintable(state.key) }),
      ...(state.prefix && { prefix: toPrintable(state.prefix) }),
    },
    transform: card.transform,
  };
  signal?.throwIfAborted();
  const extraFiles = { [metadataFile]: formatMetadata(metadata) };
  const module = await ScriptModule.create(spec, { ...executorOptions, extraFiles });
  try {
    await fillTensors(module, tensors, onProgress, signal);
    if (needsHead) await fillHead(module, spec, seed);
    signal?.throwIfAborted();
    return { module, metadata };
  } catch (error) {
    await module.close();
    throw error;
  }
}

async function fillTensors(
  module: ScriptModule,
  tensors: ReadonlyMap<string, StoredTensor>,
  onProgress: BuildOptions['onProgress'],
  signal: AbortSignal | undefined,
): Promise<void> {
  const total = [...tensors.values()].reduce((bytes, tensor) => bytes + byteLength(tensor), 0);
  let done = 0;
  for (const [name, tensor] of tensors) {
    signal?.throwIfAborted();
    await module.fill(name, await tensor.read(), tensor);
    done += byteLength(tensor);
    onProgress?.(done, total);
  }
}

async function fillHead(module: ScriptModule, spec: ModuleSpec, seed: number): Promise<void> {
  const { weight, bias } = spec.modules!.fc!.parameters!;
  const [outputs, inputs] = weight!.shape as [number, number];
  const head = await initializeHead(outputs, inputs, seed);
  for (const [name, values, { dtype, shape }] of [
    ['fc.weight', head.weight, weight!],
    ['fc.bias', head.bias, bias!],
  ] as const) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    await module.fill(name, bytes, { dtype, shape, stride: contiguousStride(shape) });
  }
}

/** The number of classes of a checkpoint's head, or ImageNet's 1000 if it has no valid head. */
function classCount(state: StateDict): number {
  const count = state.tensors.get('fc.weight')?.shape[0];
  return isClassCount(count) ? count : 1000;
}

function byteLength({ dtype, shape }: StoredTensor): number {
  return shape.reduce((bytes, length) => bytes * length, dtypeBytes[dtype]);
}
