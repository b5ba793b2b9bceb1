import { contiguousStride, type StateDict, type StoredTensor } from '../checkpoint/state-dict';
import { CheckpointError } from '../errors';
import { imagenetTransform } from '../models/transform';

/** Epsilon of BatchNormalization in Keras's network, and of BatchNorm2d in torchvision's. */
const kerasEps = 1e-3;
const torchEps = 1e-5;

/** The means that Keras subtracts from samples of 0..255, in the order R, G, B. */
const kerasMean = [123.68, 116.779, 103.939] as const;

/** The stem's output is divided by it, so that no value overflows float16; its BatchNorm undoes it. */
const stemScale = 64;

/**
 * Keras's ResNet-50 (names such as `res2a_branch2a/kernel`) under torchvision's names, for the
 * architecture `resnet50_v1` and torchvision's normalized RGB input. Kernels HWIO become OIHW and the
 * dense kernel is transposed, both by changing only the strides. A convolution's bias is folded into the
 * running mean of its BatchNorm, the difference of the epsilons into the running variance, and the stem's
 * input normalization (BGR of 0..255 minus a mean) into its kernel and running mean. Tensors with other
 * names are kept.
 * Closing the result closes `keras`.
 *
 * The only deviation: at the border, the stem pads with a mean color that differs by half a gray level.
 *
 * Source: ResNet50 of keras.applications, as of Keras 2.2.4.
 *
 * @throws CheckpointError (`ERR_SEMISUP_CHECKPOINT_MISMATCH`), immediately or when a tensor is read, if a
 * tensor does not have the shape that its layer requires.
 */
export function fromKeras(keras: StateDict): StateDict {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of keras.tensors) {
    const converted = convert(keras, name, tensor);
    if (converted) tensors.set(...converted);
  }
  return { path: keras.path, tensors, close: () => keras.close() };
}

/** A tensor converted to torchvision's layout; undefined if it is folded into another. */
function convert(
  keras: StateDict,
  name: string,
  tensor: StoredTensor,
): [string, StoredTensor] | undefined {
  if (name === 'fc1000/kernel') return ['fc.weight', permute(keras, name, [1, 0])];
  if (name === 'fc1000/bias') return ['fc.bias', tensor];
  const slash = name.lastIndexOf('/');
  const mapping = mapLayer(name.slice(0, slash));
  if (!mapping) return [name, tensor];
  switch (`${mapping.kind} ${name.slice(slash + 1)}`) {
    case 'conv kernel':
      return [
        `${mapping.conv}.weight`,
        mapping.stem ? stemKernel(keras) : permute(keras, name, [3, 2, 0, 1]),
      ];
    case 'conv bias':
      return undefined;
    case 'bn gamma':
      return [`${mapping.bn}.weight`, tensor];
    case 'bn beta':
      return [`${mapping.bn}.bias`, tensor];
    case 'bn moving_mean':
      return [`${mapping.bn}.running_mean`, runningMean(keras, name, mapping)];
    case 'bn moving_variance':
      return [`${mapping.bn}.running_var`, runningVar(keras, name, mapping)];
    default:
      return [name, tensor];
  }
}

/** Whether a tensor's name is one of Keras's ResNet-50. */
export function isKerasName(name: string): boolean {
  const slash = name.lastIndexOf('/');
  return name.startsWith('fc1000/') || (slash > 0 && mapLayer(name.slice(0, slash)) !== undefined);
}

/** The torchvision modules that a Keras layer maps to. */
interface LayerMapping {
  readonly kind: 'conv' | 'bn';
  readonly conv: string;
  readonly bn: string;
  readonly stem: boolean;
  /** Keras's name of the convolution, even if the layer is its BatchNorm. */
  readonly kerasConv: string;
}

function mapLayer(layer: string): LayerMapping | undefined {
  if (layer === 'conv1' || layer === 'bn_conv1') {
    const kind = layer === 'conv1' ? 'conv' : 'bn';
    return { kind, conv: 'conv1', bn: 'bn1', stem: true, kerasConv: 'conv1' };
  }
  const match = /^(res|bn)([2-5])([a-f])_branch(1|2([a-c]))$/.exec(layer);
  if (!match) return undefined;
  const [, kind, stage, block, branch, position] = match;
  const path = `layer${Number(stage) - 1}.${letterIndex(block!)}`;
  const number = position && letterIndex(position) + 1;
  return {
    kind: kind === 'res' ? 'conv' : 'bn',
    conv: number ? `${path}.conv${number}` : `${path}.downsample.0`,
    bn: number ? `${path}.bn${number}` : `${path}.downsample.1`,
    stem: false,
    kerasConv: `res${stage}${block}_branch${branch}`,
  };
}

function letterIndex(letter: string): number {
  return letter.charCodeAt(0) - 'a'.charCodeAt(0);
}

/** The same memory with its dimensions in another order. */
function permute(keras: StateDict, name: string, order: readonly number[]): StoredTensor {
  const tensor = keras.tensors.get(name)!;
  if (tensor.shape.length !== order.length) throw mismatchError(keras, name);
  return {
    ...tensor,
    shape: order.map((dimension) => tensor.shape[dimension]!),
    stride: order.map((dimension) => tensor.stride[dimension]!),
    read: () => tensor.read(),
  };
}

/**
 * Keras's stem sees 255 · std · x + 255 · mean - kerasMean, in the order B, G, R, whereas
 * torchvision's sees x: the factor is folded into the kernel, the offset into the running mean.
 */
function stemKernel(keras: StateDict): StoredTensor {
  const [height, width, outputs] = stemShape(keras);
  return computedTensor([outputs, 3, height, width], async () => {
    const kernel = await readFloats(keras, 'conv1/kernel', height * width * 3 * outputs);
    const area = height * width;
    const result = new Float32Array(kernel.length);
    for (let o = 0; o < outputs; o++) {
      for (let rgb = 0; rgb < 3; rgb++) {
        const factor = (255 * imagenetTransform.std[rgb]!) / stemScale;
        for (let i = 0; i < area; i++) {
          result[(o * 3 + rgb) * area + i] = kernel[(i * 3 + 2 - rgb) * outputs + o]! * factor;
        }
      }
    }
    return result;
  });
}

/** What the offset of the stem's input adds to each of its outputs. */
async function stemOffset(keras: StateDict): Promise<Float64Array> {
  const [height, width, outputs] = stemShape(keras);
  const kernel = await readFloats(keras, 'conv1/kernel', height * width * 3 * outputs);
  const offset = new Float64Array(outputs);
  for (let row = 0; row < height * width * 3; row++) {
    const rgb = 2 - (row % 3);
    const input = 255 * imagenetTransform.mean[rgb]! - kerasMean[rgb]!;
    for (let o = 0; o < outputs; o++) offset[o]! += kernel[row * outputs + o]! * input;
  }
  return offset;
}

function stemShape(keras: StateDict): [number, number, number] {
  const [height = 0, width = 0, inputs, outputs = 0, ...more] =
    keras.tensors.get('conv1/kernel')?.shape ?? [];
  if (inputs !== 3 || more.length > 0) throw mismatchError(keras, 'conv1/kernel');
  return [height, width, outputs];
}

function runningMean(keras: StateDict, name: string, mapping: LayerMapping): StoredTensor {
  const shape = keras.tensors.get(name)!.shape;
  return computedTensor(shape, async () => {
    const mean = await readFloats(keras, name, shape[0]);
    const bias = await readFloats(keras, `${mapping.kerasConv}/bias`, mean.length);
    const offset = mapping.stem ? await stemOffset(keras) : new Float64Array(mean.length);
    const scale = mapping.stem ? stemScale : 1;
    return mean.map((value, channel) => (value - bias[channel]! - offset[channel]!) / scale);
  });
}

function runningVar(keras: StateDict, name: string, mapping: LayerMapping): StoredTensor {
  const shape = keras.tensors.get(name)!.shape;
  return computedTensor(shape, async () => {
    const variance = await readFloats(keras, name, shape[0]);
    const scale = mapping.stem ? stemScale ** 2 : 1;
    return variance.map((value) => (value + kerasEps) / scale - torchEps);
  });
}

function computedTensor(
  shape: readonly number[],
  compute: () => Promise<Float32Array>,
): StoredTensor {
  return {
    dtype: 'float32',
    shape,
    stride: contiguousStride(shape),
    read: async () => new Uint8Array((await compute()).buffer),
  };
}

/** The elements of a float32 tensor, contiguous. */
async function readFloats(
  keras: StateDict,
  name: string,
  length: number | undefined,
): Promise<Float32Array> {
  const tensor = keras.tensors.get(name);
  const bytes = await tensor?.read();
  if (tensor?.dtype !== 'float32' || bytes?.length !== 4 * (length ?? 0))
    throw mismatchError(keras, name);
  return new Float32Array(new Uint8Array(bytes).buffer);
}

function mismatchError(keras: StateDict, name: string): CheckpointError {
  const tensor = keras.tensors.get(name);
  const found = tensor ? `is ${tensor.dtype} [${tensor.shape.join(', ')}]` : 'is missing';
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_MISMATCH', {
    what: `'${keras.path}' is not Keras's ResNet-50: its tensor '${name}' ${found}.`,
    remedy: 'Use the weights that the model card names.',
    value: keras.path,
  });
}
