/** Odd, so that the last 4x4 Winograd tile of a row is partial. */
export const side = 13;
export const batches = [1, 2, 3, 5];

export interface PlanCase {
  /** The body of `forward(self, x)`. */
  readonly forward: readonly string[];
  readonly weights?: Readonly<Record<string, readonly number[]>>;
  readonly channels?: number;
  readonly side?: number;
  /** Matches why no plan is made; absent if a plan may be made. */
  readonly reason?: RegExp;
}

/** Weights shared by the cases: `a` and `b` qualify for Winograd; `c` and `wide` are pointwise. */
export const weights = {
  ...{ a: [64, 16, 3, 3], biasOfA: [64] },
  ...{ b: [64, 64, 3, 3], biasOfB: [64] },
  c: [64, 64, 1, 1],
  wide: [128, 16, 1, 1],
};
export const same = '[1, 1], [1, 1], [1, 1], 1';
export const start = `y = torch.conv2d(x, self.a, self.biasOfA, ${same})`;
export const b = (input: string) => `torch.conv2d(${input}, self.b, self.biasOfB, ${same})`;
const c = (input: string) => `torch.conv2d(${input}, self.c, None)`;
const wide = 'y = torch.relu(torch.conv2d(x, self.wide, None))';
const singleConvolution = (
  kernel: readonly number[],
  channels: number,
  call: string,
): PlanCase => ({
  forward: [`y = ${call}`, 'return torch.relu(y)'],
  weights: { k: kernel, bias: [kernel[0]!] },
  channels,
});

export const residuals: Record<string, PlanCase> = {
  'a sum of a value with itself': { forward: [start, 'return torch.relu(y + y)'] },
  'a residual': { forward: [start, `return torch.relu(${b('y')} + y)`] },
  'a residual, as the second operand': { forward: [start, `return torch.relu(y + ${b('y')})`] },
  'a residual that is the input': {
    forward: [`return torch.conv2d(x, self.k, None, ${same}) + x`],
    weights: { k: [16, 16, 3, 3] },
  },
  'a residual that is a one-channel input': {
    forward: [`return torch.conv2d(x, self.k, None, ${same}) + x`],
    weights: { k: [1, 1, 3, 3] },
    channels: 1,
  },
  'a residual that is the input, which is reused': {
    forward: [`return torch.relu(torch.conv2d(x, self.k, None, ${same}) + x) * x`],
    weights: { k: [16, 16, 3, 3] },
  },
  'a term that is reused': {
    forward: [start, `z = torch.relu(${b('y')} + y)`, 'return z * y'],
  },
  'a term that a live view aliases': {
    forward: [start, 'v = torch.flatten(y, 1)', `return torch.flatten(${b('y')} + y, 1) * v`],
  },
  'a term that is a view of a reused value': {
    forward: [start, 'v = torch.narrow(y, 1, 0, 64)', `return (${b('y')} + v) * y`],
  },
  'a term that aliases the input of the convolution': {
    forward: [start, `return ${b('y')} + torch.dropout(y, 0.5, False)`],
  },
  'a transposed term': {
    forward: [start, `return ${b('y')} + torch.transpose(torch.sigmoid(y), 2, 3)`],
  },
  'a contiguous (NCHW) term': {
    forward: [
      start,
      `t = torch.flatten(torch.sigmoid(y), 1).reshape([-1, 64, ${side}, ${side}])`,
      `return ${b('y')} + t`,
    ],
  },
  'a term that is a slice of a tensor': {
    forward: [wide, 't = torch.narrow(torch.sigmoid(y), 1, 32, 64)', start, 'return y + t'],
  },
  'a sum of two convolutions': {
    forward: [start, `return torch.relu(${c('torch.sigmoid(y)')} + ${b('y')})`],
  },
  'a sum of a convolution and a convolution with ReLU': {
    forward: [start, `return torch.relu(${b('y')}) + ${c('y')}`],
  },
  'a sum with ReLU that is reused': {
    forward: [start, `r = torch.relu(${b('y')})`, `s = r + ${c('y')}`, 'return s * r'],
  },
  'a sum of residuals': {
    forward: [start, `return (${b('y')} + y) + (${c('y')} + torch.relu(y))`],
  },
  'three terms': { forward: [start, `return torch.relu(${b('y')} + ${c('y')} + y)`] },
  'a sum that is used both with and without ReLU': {
    forward: [start, `s = ${b('y')} + y`, 'return torch.relu(s) - s'],
  },
  'consecutive residuals': {
    forward: [
      ...[start, `y = torch.relu(${b('y')} + y)`, `y = torch.relu(${c('y')} + y)`],
      `return torch.relu(${b('y')} + y)`,
    ],
  },
  'a weighted sum': { forward: [start, `return torch.add(${b('y')}, y, alpha=2)`] },
  'a sum with a scalar': { forward: [start, `return ${b('torch.relu(y + 1.5)')} + 1.5`] },
  'a sum with a constant': {
    forward: [start, `return ${b('y')} + self.row`],
    weights: { row: [side] },
  },
  'a difference': { forward: [start, `return ${b('y')} - y`] },
  'squeeze and excitation': {
    forward: [
      start,
      `s = torch.sigmoid(${c('torch.adaptive_avg_pool2d(y, [1, 1])')})`,
      `return torch.relu(${b('y')} * s + y)`,
    ],
  },
};

export const dataFlow: Record<string, PlanCase> = {
  'an output that is used twice': {
    forward: [start, 'return torch.relu(y) + torch.sigmoid(y)'],
  },
  'an unused convolution': { forward: [start, `z = ${b('y')}`, 'return y'] },
  'the input as the output': { forward: ['return x'] },
  'the input both as the output and convolved': { forward: [start, 'return x'] },
  'the input, flattened': { forward: ['return torch.flatten(x, 1)'] },
  dropout: {
    forward: [start, `return ${b('torch.dropout(torch.relu(y), 0.5, self.training)')}`],
  },
  'a strided slice of pixels': { forward: [start, `return ${b('y[:, :, ::2, ::2]')}`] },
  'a slice of channels': { forward: [wide, `return ${b('y[:, 32:96]')}`] },
  'halves of the channels': {
    forward: [wide, `return ${b('torch.narrow(y, 1, 0, 64)')} + torch.narrow(y, 1, 64, 64)`],
  },
  'shuffled channels': {
    forward: [
      wide,
      `y = torch.transpose(y.reshape([-1, 2, 64, ${side}, ${side}]), 1, 2)`,
      `return ${b('torch.narrow(torch.flatten(y, 1, 2), 1, 0, 64)')}`,
    ],
  },
  'other activations': {
    forward: [start, `return torch.hardswish(${b('torch.hardtanh(y, 0.0, 6.0)')})`],
  },
  'operators without a kernel': {
    forward: [start, `return torch.elu(${b('torch.tanh(y)')}) * self.row`],
    weights: { row: [side] },
  },
  'differences with one value per image and channel': {
    forward: [start, 's = torch.mean(y, [-1, -2], True)', `return ${b('s - y')} * (y - s) - s * y`],
  },
  'constants as either operand': {
    forward: [
      start,
      'y = torch.sub(self.perChannel, y) * 2 - self.number',
      `return torch.sub(${b('y')} - self.perImage, self.perChannel)`,
    ],
    weights: { perChannel: [64, 1, 1], perImage: [1, 64, 1, 1], number: [1] },
  },
  pixels: {
    forward: [
      ...[start, 'p = torch.permute(y, [0, 2, 3, 1])'],
      'p = torch.layer_norm(p, [64], self.gain, self.shift, 1e-5)',
      'q = torch.gelu(torch.linear(p, self.k, self.bias))',
      'p = torch.cat([q, p + self.shift, q * p], -1)',
      'p = torch.layer_norm(torch.linear(p, self.l), [64])',
      `return ${b('torch.permute(p, [0, -1, 1, 2])')} + y`,
    ],
    weights: { k: [64, 64], bias: [64], l: [64, 192], gain: [64], shift: [64] },
  },
  'normalized rows': {
    forward: [
      start,
      'r = torch.layer_norm(torch.mean(y, [2, 3]), [64], self.shift, None)',
      'v = torch.abs(self.variance) + 0.1',
      'r = torch.batch_norm(r, self.shift, None, self.shift, v, False, 0.1, 1e-5, False)',
      'return torch.cat([r, torch.relu(r)], 1)',
    ],
    weights: { shift: [64], variance: [64] },
  },
  'concatenated channels': {
    forward: [
      ...[start, 'z = [torch.sigmoid(y), x]', 'z.append(y)', 's = torch.cat(z, 1)', 'z.append(y)'],
      'return torch.cat([torch.cat(z, 1), s, s], dim=-3)',
    ],
  },
  'average pooling of every kind': {
    forward: [
      ...[start, 'y = torch.avg_pool2d(y, [3, 2], [2, 1], [1, 1])'],
      'y = torch.avg_pool2d(y, [2, 3], [1, 2], [1, 0], False, False)',
      'y = torch.avg_pool2d(y, [2, 2], [1, 1], [0, 0], True, True, 3)',
      'return torch.adaptive_avg_pool2d(y, [2, 3])',
    ],
  },
  'max and average pooling': {
    forward: [
      ...[start, 'y = torch.max_pool2d(y, [3, 3], [1, 1], [1, 1], [2, 2]) + 0.5'],
      ...['y = torch.max_pool2d(y, 2, 2, 0, 1, True)', 'y = torch.avg_pool2d(y, [2, 2])'],
      `return ${b('torch.max_pool2d(y, [3, 1], [1, 1], [1, 0])')}`,
    ],
  },
};

const groupedResidual = (size: number): PlanCase => {
  const inGroups = (input: string, bias: string): string =>
    `torch.conv2d(${input}, self.k, ${bias}, [1, 1], [1, 1], [1, 1], ${32 / size})`;
  return {
    forward: [
      `y = ${inGroups('x', 'None')}`,
      `return torch.relu(${inGroups('torch.relu(y)', 'self.bias')} + y)`,
    ],
    weights: { k: [32, size, 3, 3], bias: [32] },
    channels: 32,
  };
};

export const convolutions: Record<string, PlanCase> = {
  'padding given by name': singleConvolution(
    [64, 16, 3, 3],
    16,
    'torch.conv2d(x, self.k, None, [1, 1], "same")',
  ),
  'scalars in place of pairs': singleConvolution(
    [64, 16, 3, 3],
    16,
    'torch.conv2d(x, self.k, None, 2, 1, 1, 1)',
  ),
  'a dilated kernel': singleConvolution(
    [64, 16, 3, 3],
    16,
    'torch.conv2d(x, self.k, None, [1, 1], [2, 2], [2, 2])',
  ),
  'unequal strides': singleConvolution(
    [64, 16, 3, 3],
    16,
    'torch.conv2d(x, self.k, None, [2, 1], [1, 0])',
  ),
  'a kernel whose columns alone are dilated': singleConvolution(
    [37, 16, 3, 3],
    16,
    'torch.conv2d(x, self.k, self.bias, [2, 1], [1, 3], [1, 3])',
  ),
  'dilated groups': singleConvolution(
    [36, 6, 3, 3],
    18,
    'torch.conv2d(x, self.k, self.bias, [1, 1], [2, 2], [2, 2], 3)',
  ),
  'a dilated depthwise kernel': singleConvolution(
    [37, 1, 3, 3],
    37,
    'torch.conv2d(x, self.k, self.bias, [1, 2], [2, 3], [2, 3], 37)',
  ),
  'depthwise, with two outputs per channel': singleConvolution(
    [42, 1, 5, 5],
    21,
    'torch.conv2d(x, self.k, None, [2, 2], [2, 2], [1, 1], 21)',
  ),
  'a non-square kernel': singleConvolution(
    [48, 16, 1, 7],
    16,
    'torch.conv2d(x, self.k, None, [1, 1], [0, 3])',
  ),
  groups: singleConvolution(
    [32, 4, 3, 3],
    16,
    `torch.conv2d(x, self.k, None, [1, 1], [1, 1], [1, 1], 4)`,
  ),
  'groups, with a stride': singleConvolution(
    [64, 16, 3, 3],
    64,
    'torch.conv2d(x, self.k, self.bias, [2, 2], [1, 1], [1, 1], 4)',
  ),
  'groups, with a non-square kernel, strides and padding': singleConvolution(
    [32, 4, 2, 5],
    16,
    'torch.conv2d(x, self.k, None, [3, 1], [1, 3], [1, 1], 4)',
  ),
  'groups with more output than input channels': singleConvolution(
    [96, 3, 3, 3],
    9,
    'torch.conv2d(x, self.k, self.bias, [1, 1], [2, 2], [1, 1], 3)',
  ),
  'groups of four channels, with a residual': groupedResidual(4),
  'groups of eight channels, with a residual': groupedResidual(8),
  'grouped and pointwise': singleConvolution(
    [64, 16, 1, 1],
    64,
    'torch.conv2d(x, self.k, self.bias, [2, 2], [0, 0], [1, 1], 4)',
  ),
  'groups of 16 and 32 channels': {
    forward: [
      `y = torch.relu(torch.conv2d(x, self.k, self.bias, [1, 1], [1, 1], [1, 1], 4))`,
      `return torch.relu(torch.conv2d(y, self.l, self.bias, [1, 1], [1, 1], [1, 1], 4) + y)`,
    ],
    weights: { k: [128, 16, 3, 3], l: [128, 32, 3, 3], bias: [128] },
    channels: 64,
  },
  'pointwise, with stride 2': singleConvolution(
    [64, 16, 1, 1],
    16,
    'torch.conv2d(x, self.k, self.bias, [2, 2])',
  ),
  'pointwise, with unequal strides': singleConvolution(
    [64, 16, 1, 1],
    16,
    'torch.conv2d(x, self.k, None, [2, 1])',
  ),
  'pointwise, with stride 3 and padding': singleConvolution(
    [64, 16, 1, 1],
    16,
    'torch.conv2d(x, self.k, self.bias, [3, 3], [2, 2])',
  ),
  'a stride': {
    forward: [
      'y = torch.conv2d(x, self.k, self.bias, [2, 2], [1, 1])',
      'y = torch.relu(torch.conv2d(x, self.l, None, [2, 2]) + y)',
      'return torch.conv2d(y, self.m, self.bias, [2, 2], [3, 3]) + self.row',
    ],
    weights: { k: [64, 16, 3, 3], l: [64, 16, 1, 1], m: [64, 64, 7, 7], bias: [64], row: [1] },
  },
  'a stride longer than the kernel': singleConvolution(
    [128, 16, 3, 3],
    16,
    'torch.conv2d(x, self.k, None, [4, 4])',
  ),
  'a stride, with many channels': singleConvolution(
    [64, 272, 3, 3],
    272,
    'torch.conv2d(x, self.k, self.bias, [2, 2], [1, 1])',
  ),
  'pointwise, with padding': singleConvolution(
    [64, 16, 1, 1],
    16,
    'torch.conv2d(x, self.k, self.bias, [1, 1], [1, 1])',
  ),
  'pointwise, with many channels': {
    forward: [
      'y = torch.relu(torch.conv2d(x, self.k, self.bias))',
      'z = torch.relu(torch.conv2d(y, self.l, self.biasOfL))',
      'return torch.relu(torch.conv2d(z, self.k, self.bias) + y)',
    ],
    weights: { k: [64, 1040, 1, 1], bias: [64], l: [1040, 64, 1, 1], biasOfL: [1040] },
    channels: 1040,
  },
  'a convolution followed by linear layers': {
    forward: [
      start,
      'z = torch.linear(torch.mean(y, [2, 3]), self.k, self.bias)',
      'return torch.linear(torch.relu(z), self.l, None)',
    ],
    weights: { k: [130, 64], bias: [130], l: [37, 130] },
  },
  depthwise: singleConvolution(
    [16, 1, 3, 3],
    16,
    `torch.conv2d(x, self.k, self.bias, [1, 1], [1, 1], [1, 1], 16)`,
  ),
  'odd channel counts': singleConvolution(
    [37, 5, 3, 3],
    5,
    `torch.conv2d(x, self.k, self.bias, ${same})`,
  ),
  'one output channel': singleConvolution(
    [1, 16, 3, 3],
    16,
    `torch.conv2d(x, self.k, self.bias, ${same})`,
  ),
  '64 output channels, without bias': singleConvolution(
    [64, 16, 3, 3],
    16,
    `torch.conv2d(x, self.k, None, ${same})`,
  ),
  'transposed convolution': singleConvolution(
    [16, 8, 3, 3],
    16,
    'torch.conv_transpose2d(x, self.k, None, [2, 2], [1, 1])',
  ),
  'transposed convolution as aten::_convolution': singleConvolution(
    [16, 8, 3, 3],
    16,
    'torch._convolution(x, self.k, None, [2, 2], [1, 1], [1, 1], True, [1, 1], 1, False, False, True, True)',
  ),
  'aten::_convolution': singleConvolution(
    [64, 16, 3, 3],
    16,
    'torch._convolution(x, self.k, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, False, False, True, True)',
  ),
};

export const inPlaceOperators: Record<string, PlanCase> = {
  relu_: { forward: [start, 'torch.relu_(y)', `return ${b('y')}`] },
  'a sum': { forward: [start, `z = ${b('y')}`, 'z += y', 'return torch.relu_(z)'] },
  'add_ to a value used before': {
    forward: [start, 's = torch.sigmoid(y)', `y.add_(${b('y')})`, 'return y * s'],
    reason: /it modifies a tensor in place by aten::add_/,
  },
  'add_ to a view': {
    forward: [start, 'v = y[:, 0:8]', 'v.add_(1.0)', `return ${b('y')}`],
    reason: /it modifies a tensor in place by aten::add_/,
  },
  'mul_ of the input': {
    forward: ['x.mul_(2.0)', start, 'return y'],
    reason: /it modifies a tensor in place by aten::mul_/,
  },
};

export const acrossImages: Record<string, PlanCase> = {
  'subtracting the batch mean': {
    forward: ['x = x - torch.mean(x, [0], True)', start, 'return y'],
  },
  'adding the batch mean': { forward: ['x = x + torch.mean(x, [0], True)', start, 'return y'] },
  'reversing the batch': { forward: ['x = x + torch.flip(x, [0])', start, 'return y'] },
  'softmax over the batch': { forward: [start, 'return torch.softmax(torch.flatten(y, 1), 0)'] },
  'concatenating images': { forward: [start, 'return torch.cat([y, torch.relu(y)], 0)'] },
  'the mean of all elements': { forward: [start, 'return y - torch.mean(y)'] },
};

export const unsupportedGraphs: Record<string, PlanCase> = {
  'a branch': {
    forward: ['if bool(x.sum() > 0):', '    x = x * 2', start, 'return y'],
    reason: /it branches or loops \(prim::If\)/,
  },
  'a loop': {
    forward: ['for i in range(int(x.size(0))):', '    x = x * 2', start, 'return y'],
    reason: /it branches or loops \(prim::Loop\)/,
  },
  'a dictionary': {
    forward: [start, 'return {"y": y}'],
    reason: /it returns something other than tensors/,
  },
  'a tuple in a tuple': {
    forward: [start, 'return y, (y, x)'],
    reason: /it returns something other than tensors/,
  },
  'a tensor and a number': {
    forward: [start, 'return y, 1'],
    reason: /it returns something other than tensors/,
  },
  'an empty list': {
    forward: [start, 'return [y][:0]'],
    reason: /it returns something other than tensors/,
  },
  'a list that is returned and concatenated': {
    forward: [start, 'z = [y, torch.relu(y)]', 'return torch.cat(z, 1), z'],
    reason: /it returns something other than tensors/,
  },
  'an output that does not depend on the input': {
    forward: [start, 'return y, self.a'],
    reason: /its output does not depend on its input/,
  },
};

/** Methods that return several tensors. */
export const outputs: Record<string, PlanCase> = {
  'a tuple, with the input': { forward: [start, 'return y, x'] },
  'a list, in another order than that of the steps': {
    forward: [start, `z = torch.relu(${b('y')})`, 'return [z, y]'],
  },
  'a list of one': { forward: [start, 'return [y]'] },
  'a value twice': { forward: [start, 'return y, y'] },
  'a convolution before and after its ReLU': { forward: [start, 'return y, torch.relu(y)'] },
  'a value before and after its max pooling': {
    forward: [start, 'y = torch.relu(y)', 'return y, torch.max_pool2d(y, [3, 3], [2, 2], [1, 1])'],
  },
  'a value that a later step reads last': {
    forward: [start, 'z = torch.relu(y)', 'return [z, z * 2.0, torch.relu(z + y)]'],
  },
  'a residual, and what it is added to': {
    forward: [start, `return y, torch.relu(${b('y')} + y)`],
  },
  'images and rows': {
    forward: [start, 'return y, torch.flatten(torch.adaptive_avg_pool2d(y, [1, 1]), 1)'],
  },
  'a list that grows': {
    forward: ['z = [x]', start, 'z.append(y)', `z.append(torch.relu(${b('y')}))`, 'return z'],
  },
};

const stem = 'y = torch.relu(torch.conv2d(x, self.k, self.bias, [2, 2], [3, 3]))';
const stemCase = (forward: readonly string[], side?: number): PlanCase => ({
  forward: [stem, ...forward],
  weights: { k: [64, 3, 7, 7], bias: [64] },
  channels: 3,
  ...(side === undefined ? {} : { side }),
});

/** Convolutions with a max pooling that may be fused into them. */
const pooledConvolutions: Record<string, PlanCase> = {
  'max pooling after a stem': stemCase(['return torch.max_pool2d(y, [3, 3], [2, 2], [1, 1])']),
  'max pooling after a stem, in row blocks': stemCase(
    ['return torch.max_pool2d(y, [3, 3], [2, 2], [1, 1])'],
    203,
  ),
  'max pooling with stride 1, in row blocks': stemCase(
    ['return torch.max_pool2d(y, [3, 3], [1, 1], [1, 1])'],
    151,
  ),
  'max pooling with gaps between windows': stemCase(['return torch.max_pool2d(y, [2, 2], [5, 5])']),
  'max pooling after a stem whose output is reused': stemCase([
    'return torch.max_pool2d(y, [3, 3], [1, 1], [1, 1]) + y',
  ]),
  'max pooling after a residual': {
    forward: [start, `return torch.max_pool2d(torch.relu(${b('y')} + y), [3, 3], [2, 2], [1, 1])`],
  },
};

/** Graphs with broadcast terms, unusual pooling windows, or outputs that are not float32 per image. */
export const unusualShapes: Record<string, PlanCase> = {
  ...pooledConvolutions,
  'a term of one pixel, broadcast': {
    forward: [start, `return ${b('y')} + torch.mean(y, [2, 3], True)`],
  },
  'a term of one channel, broadcast': {
    forward: [start, `return ${b('y')} + torch.mean(y, [1], True)`],
  },
  'a term of one pixel, broadcast, with ReLU': {
    forward: [start, `return torch.relu(${b('y')} + torch.mean(y, [2, 3], True))`],
  },
  'a term of one pixel, broadcast, with SiLU': {
    forward: [start, `return torch.silu(${b('y')} + torch.mean(y, [2, 3], True))`],
  },
  'an expanded term': {
    forward: [
      start,
      `m = torch.mean(y, [2, 3], True).expand([-1, 64, ${side}, ${side}])`,
      `return ${b('y')} + m`,
    ],
  },
  'a residual of a one-pixel convolution': {
    forward: [start, `return ${b('y')} + ${c('torch.adaptive_avg_pool2d(y, [1, 1])')}`],
  },
  'max pooling with the default stride': {
    forward: [start, 'return torch.max_pool2d(torch.relu(y), [2, 2])'],
  },
  'padded max pooling of the input': {
    forward: ['return torch.max_pool2d(x, [3, 3], [2, 2], [1, 1])'],
  },
  'max pooling of the input, with gaps between windows': {
    forward: ['return torch.max_pool2d(x, [2, 2], [5, 5])'],
  },
  'a single image of the batch': {
    forward: [`return torch.conv2d(x[0], self.a, None, ${same})`],
  },
  'class indices': { forward: [start, 'return torch.argmax(torch.mean(y, [2, 3]), 1)'] },
  'a Boolean tensor': { forward: [start, 'return y > 0'] },
  'a scalar tensor': { forward: [start, 'return torch.mean(y)'] },
  'a mean of rows': {
    forward: [start, 'z = torch.flatten(y, 1)', 'return z + torch.mean(z, [-2], True)'],
  },
  'statistics of the batch': {
    forward: [start, 'return torch.batch_norm(y, None, None, None, None, True, 0.1, 1e-5, False)'],
  },
  'products of images with each other': {
    forward: [start, 'z = torch.mean(y, [2, 3])', 'return torch.linear(z, z)'],
  },
  'images as convolution weights': {
    forward: ['return torch.conv2d(x, torch.mean(x, [2, 3], True))'],
  },
  'broadcasting across the batch': {
    forward: ['return torch.mean(x, [1], True) + torch.mean(x, [1])'],
  },
  'a constant': {
    forward: ['return self.row'],
    weights: { row: [side] },
    reason: /its output does not depend on its input/,
  },
};

/** Appends an operator, since a final convolution stays in float32. */
const clamped = (expression: string) => `return torch.hardtanh(${expression}, -1e9, 1e9)`;

/** Graphs that are run in bfloat16 and in int8. */
export const reducedPrecisionGraphs: Record<string, PlanCase> = {
  ...pooledConvolutions,
  'a sum of a value with itself': { forward: [start, clamped('torch.relu(y + y)')] },
  'a residual': { forward: [start, clamped(`torch.relu(${b('y')} + y)`)] },
  'a residual, as the second operand': { forward: [start, clamped(`torch.relu(y + ${b('y')})`)] },
  'a residual that is the input': {
    forward: [clamped(`torch.conv2d(x, self.k, None, ${same}) + x`)],
    weights: { k: [16, 16, 3, 3] },
  },
  'a term that is reused': {
    forward: [start, `z = torch.relu(${b('y')} + y)`, 'return z * y'],
  },
  'a term that a live view aliases': {
    forward: [start, 'v = torch.flatten(y, 1)', `return torch.flatten(${b('y')} + y, 1) * v`],
  },
  'a sum of two convolutions': {
    forward: [start, 'y = torch.relu(y)', clamped(`torch.relu(${c('y')} + ${b('y')})`)],
  },
  'an output that is used twice': {
    forward: [start, 'return torch.relu(y) + torch.sigmoid(y)'],
  },
  'a difference': { forward: [start, clamped(`${b('y')} - y`)] },
  dropout: {
    forward: [start, clamped(b('torch.dropout(torch.relu(y), 0.5, self.training)'))],
  },
  'an unused convolution': { forward: [start, `z = ${b('y')}`, clamped('y')] },
  'max and average pooling': {
    forward: [
      ...[start, 'y = torch.max_pool2d(y, [3, 3], [1, 1], [1, 1], [2, 2])'],
      ...['y = torch.max_pool2d(y, 2, 2, 0, 1, True)', 'y = torch.avg_pool2d(y, [2, 2])'],
      clamped(b('torch.max_pool2d(y, [3, 1], [1, 1], [1, 0])')),
    ],
  },
  'linear layers': {
    forward: [
      start,
      'z = torch.linear(torch.mean(torch.relu(y), [2, 3]), self.k, self.bias)',
      clamped('torch.linear(torch.relu(z), self.l, None)'),
    ],
    weights: { k: [130, 64], bias: [130], l: [37, 130] },
  },
  'max pooling of unsigned int8': {
    forward: [start, clamped(b('torch.max_pool2d(torch.relu(y), [3, 3], [2, 2], [1, 1])'))],
  },
  'max pooling of signed int8': {
    forward: [start, clamped(b('torch.max_pool2d(y, [3, 3], [2, 2], [1, 1])'))],
  },
};

/** Graphs that are special in int8 only. */
export const int8Graphs: Record<string, PlanCase> = {
  'a final convolution': { forward: [start, `return ${b('y')}`] },
  'a one-row kernel over signed values': {
    forward: [clamped('torch.conv2d(x, self.k, None, [1, 1], [0, 3])')],
    weights: { k: [48, 16, 1, 7] },
  },
  'a pointwise convolution over signed values': {
    forward: [start, clamped(c('y'))],
  },
  'global average pooling over signed values': {
    forward: [start, `return torch.adaptive_avg_pool2d(${b('y')}, [1, 1])`],
  },
};

/** For int8 kernels: partial groups of four bytes, padded edges, strides, many channels. */
export const int8Convolutions: Record<string, PlanCase> = {
  'odd channel counts': singleConvolution(
    [64, 5, 3, 3],
    5,
    `torch.conv2d(x, self.k, self.bias, ${same})`,
  ),
  'one input channel, without padding': singleConvolution(
    [64, 1, 7, 7],
    1,
    'torch.conv2d(x, self.k, None)',
  ),
  'a non-square kernel': singleConvolution(
    [64, 6, 1, 7],
    6,
    'torch.conv2d(x, self.k, None, [1, 1], [0, 3])',
  ),
  'a one-column kernel': singleConvolution(
    [64, 6, 3, 1],
    6,
    'torch.conv2d(x, self.k, None, 1, [1, 0])',
  ),
  'an output channel count that is not a multiple of 16': singleConvolution(
    [72, 16, 3, 3],
    16,
    `torch.conv2d(x, self.k, self.bias, ${same})`,
  ),
  ...pick(convolutions, [
    ...[
      'a dilated kernel',
      'groups',
      'groups, with a stride',
      'unequal strides',
      'a stride',
      'a stride longer than the kernel',
    ],
    ...['pointwise, with stride 2', 'pointwise, with unequal strides', 'pointwise, with padding'],
    ...['pointwise, with stride 3 and padding', 'a stride, with many channels'],
    'pointwise, with many channels',
  ]),
};

function pick(cases: Record<string, PlanCase>, names: readonly string[]): Record<string, PlanCase> {
  return Object.fromEntries(names.map((name) => [name, cases[name]!]));
}

/** Graphs that the plan does not support and that TorchScript cannot run in int8. */
export const int8Unsupported: Record<string, PlanCase> = {
  'a slice of channels': { forward: [wide, clamped(b('y[:, 32:96]'))] },
  'a strided slice of pixels': { forward: [start, clamped(b('y[:, :, ::2, ::2]'))] },
  'a transposed term': {
    forward: [start, clamped(`${b('y')} + torch.transpose(torch.sigmoid(y), 2, 3)`)],
  },
};
