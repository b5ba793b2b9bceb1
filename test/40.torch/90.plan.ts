import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OptionError, ScriptError } from '../../src/errors';
import {
  Executor,
  ScriptModule,
  Tensor,
  type ConvolutionAlgorithm,
  type PlanChoices,
  type Precision,
} from '../../src/torch';
import { makeNet, pictures } from '../support/convolutions';
import { temporaryEnvironment } from '../support/environment';
import { temporaryFolder } from '../support/temporary';

/** Odd, so that Winograd's tiles of 4 x 4 do not fit. */
const side = 13;
const batches = [1, 2, 3, 5];

interface Case {
  /** The body of `forward(self, x)`, of images with so many channels. */
  readonly forward: readonly string[];
  readonly weights?: Readonly<Record<string, readonly number[]>>;
  readonly channels?: number;
  readonly side?: number;
  /** Why it is left to TorchScript, where it is. */
  readonly reason?: RegExp;
}

/** Weights of convolutions that Winograd's algorithm takes (`a`, `b`), and of one pixel. */
const weights = {
  ...{ a: [64, 16, 3, 3], biasOfA: [64] },
  ...{ b: [64, 64, 3, 3], biasOfB: [64] },
  c: [64, 64, 1, 1],
  wide: [128, 16, 1, 1],
};
const same = '[1, 1], [1, 1], [1, 1], 1';
const start = `y = torch.conv2d(x, self.a, self.biasOfA, ${same})`;
const b = (input: string) => `torch.conv2d(${input}, self.b, self.biasOfB, ${same})`;
const c = (input: string) => `torch.conv2d(${input}, self.c, None)`;
const wide = 'y = torch.relu(torch.conv2d(x, self.wide, None))';
const own = (kernel: readonly number[], channels: number, call: string): Case => ({
  forward: [`y = ${call}`, 'return torch.relu(y)'],
  weights: { k: kernel, bias: [kernel[0]!] },
  channels,
});

const sums: Record<string, Case> = {
  'a sum of a value with itself': { forward: [start, 'return torch.relu(y + y)'] },
  'a residual': { forward: [start, `return torch.relu(${b('y')} + y)`] },
  'a residual, the other way round': { forward: [start, `return torch.relu(y + ${b('y')})`] },
  'a residual onto the input': {
    forward: [`return torch.conv2d(x, self.k, None, ${same}) + x`],
    weights: { k: [16, 16, 3, 3] },
  },
  'a residual onto an input of one channel': {
    forward: [`return torch.conv2d(x, self.k, None, ${same}) + x`],
    weights: { k: [1, 1, 3, 3] },
    channels: 1,
  },
  'a residual onto the input, which is needed again': {
    forward: [`return torch.relu(torch.conv2d(x, self.k, None, ${same}) + x) * x`],
    weights: { k: [16, 16, 3, 3] },
  },
  'a term that is needed again': {
    forward: [start, `z = torch.relu(${b('y')} + y)`, 'return z * y'],
  },
  'a term that a view still holds': {
    forward: [start, 'v = torch.flatten(y, 1)', `return torch.flatten(${b('y')} + y, 1) * v`],
  },
  'a term that is a view of what is needed again': {
    forward: [start, 'v = torch.narrow(y, 1, 0, 64)', `return (${b('y')} + v) * y`],
  },
  'a term that is the very input of the convolution by another name': {
    forward: [start, `return ${b('y')} + torch.dropout(y, 0.5, False)`],
  },
  'a term that lies in another order': {
    forward: [start, `return ${b('y')} + torch.transpose(torch.sigmoid(y), 2, 3)`],
  },
  'a term that lies channel by channel': {
    forward: [
      start,
      `t = torch.flatten(torch.sigmoid(y), 1).reshape([-1, 64, ${side}, ${side}])`,
      `return ${b('y')} + t`,
    ],
  },
  'a term that is a part of a larger one': {
    forward: [wide, 't = torch.narrow(torch.sigmoid(y), 1, 32, 64)', start, 'return y + t'],
  },
  'two convolutions': {
    forward: [start, `return torch.relu(${c('torch.sigmoid(y)')} + ${b('y')})`],
  },
  'a convolution and a rectified one': {
    forward: [start, `return torch.relu(${b('y')}) + ${c('y')}`],
  },
  'a rectified sum that is needed again': {
    forward: [start, `r = torch.relu(${b('y')})`, `s = r + ${c('y')}`, 'return s * r'],
  },
  'a sum of sums': { forward: [start, `return (${b('y')} + y) + (${c('y')} + torch.relu(y))`] },
  'three terms': { forward: [start, `return torch.relu(${b('y')} + ${c('y')} + y)`] },
  'a sum that is used with its rectifier and without': {
    forward: [start, `s = ${b('y')} + y`, 'return torch.relu(s) - s'],
  },
  'one after the other': {
    forward: [
      ...[start, `y = torch.relu(${b('y')} + y)`, `y = torch.relu(${c('y')} + y)`],
      `return torch.relu(${b('y')} + y)`,
    ],
  },
  'a weighted sum': { forward: [start, `return torch.add(${b('y')}, y, alpha=2)`] },
  'a sum with a number': { forward: [start, `return ${b('torch.relu(y + 1.5)')} + 1.5`] },
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

const uses: Record<string, Case> = {
  'an output that is used twice': {
    forward: [start, 'return torch.relu(y) + torch.sigmoid(y)'],
  },
  'a convolution that nothing uses': { forward: [start, `z = ${b('y')}`, 'return y'] },
  'the input itself as output': { forward: ['return x'] },
  'the input as output, and a convolution of it': { forward: [start, 'return x'] },
  'the input, flattened': { forward: ['return torch.flatten(x, 1)'] },
  dropout: {
    forward: [start, `return ${b('torch.dropout(torch.relu(y), 0.5, self.training)')}`],
  },
  'every second pixel': { forward: [start, `return ${b('y[:, :, ::2, ::2]')}`] },
  'some of the channels': { forward: [wide, `return ${b('y[:, 32:96]')}`] },
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
  'other rectifiers': {
    forward: [start, `return torch.hardswish(${b('torch.hardtanh(y, 0.0, 6.0)')})`],
  },
  'pools of all kinds': {
    forward: [
      ...[start, 'y = torch.max_pool2d(y, [3, 3], [1, 1], [1, 1], [2, 2]) + 0.5'],
      ...['y = torch.max_pool2d(y, 2, 2, 0, 1, True)', 'y = torch.avg_pool2d(y, [2, 2])'],
      `return ${b('torch.max_pool2d(y, [3, 1], [1, 1], [1, 0])')}`,
    ],
  },
};

const inGroupsOf = (size: number): Case => {
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

const convolutions: Record<string, Case> = {
  'padded by a word': own([64, 16, 3, 3], 16, 'torch.conv2d(x, self.k, None, [1, 1], "same")'),
  'with numbers for pairs': own([64, 16, 3, 3], 16, 'torch.conv2d(x, self.k, None, 2, 1, 1, 1)'),
  dilated: own([64, 16, 3, 3], 16, 'torch.conv2d(x, self.k, None, [1, 1], [2, 2], [2, 2])'),
  'of uneven strides': own([64, 16, 3, 3], 16, 'torch.conv2d(x, self.k, None, [2, 1], [1, 0])'),
  'of uneven kernels': own([48, 16, 1, 7], 16, 'torch.conv2d(x, self.k, None, [1, 1], [0, 3])'),
  'in groups': own([32, 4, 3, 3], 16, `torch.conv2d(x, self.k, None, [1, 1], [1, 1], [1, 1], 4)`),
  'in groups, with a stride': own(
    [64, 16, 3, 3],
    64,
    'torch.conv2d(x, self.k, self.bias, [2, 2], [1, 1], [1, 1], 4)',
  ),
  'in groups, of uneven kernels, strides and padding': own(
    [32, 4, 2, 5],
    16,
    'torch.conv2d(x, self.k, None, [3, 1], [1, 3], [1, 1], 4)',
  ),
  'in groups that give more than they take': own(
    [96, 3, 3, 3],
    9,
    'torch.conv2d(x, self.k, self.bias, [1, 1], [2, 2], [1, 1], 3)',
  ),
  'in groups of four, with a residual': inGroupsOf(4),
  'in groups of eight, with a residual': inGroupsOf(8),
  'in groups of one pixel': own(
    [64, 16, 1, 1],
    64,
    'torch.conv2d(x, self.k, self.bias, [2, 2], [0, 0], [1, 1], 4)',
  ),
  'in groups of 16 and 32': {
    forward: [
      `y = torch.relu(torch.conv2d(x, self.k, self.bias, [1, 1], [1, 1], [1, 1], 4))`,
      `return torch.relu(torch.conv2d(y, self.l, self.bias, [1, 1], [1, 1], [1, 1], 4) + y)`,
    ],
    weights: { k: [128, 16, 3, 3], l: [128, 32, 3, 3], bias: [128] },
    channels: 64,
  },
  'of one pixel in two': own([64, 16, 1, 1], 16, 'torch.conv2d(x, self.k, self.bias, [2, 2])'),
  'of one pixel, of uneven strides': own(
    [64, 16, 1, 1],
    16,
    'torch.conv2d(x, self.k, None, [2, 1])',
  ),
  'of one pixel in three, padded': own(
    [64, 16, 1, 1],
    16,
    'torch.conv2d(x, self.k, self.bias, [3, 3], [2, 2])',
  ),
  'with a stride': {
    forward: [
      'y = torch.conv2d(x, self.k, self.bias, [2, 2], [1, 1])',
      'y = torch.relu(torch.conv2d(x, self.l, None, [2, 2]) + y)',
      'return torch.conv2d(y, self.m, self.bias, [2, 2], [3, 3]) + self.row',
    ],
    weights: { k: [64, 16, 3, 3], l: [64, 16, 1, 1], m: [64, 64, 7, 7], bias: [64], row: [1] },
  },
  'with a long stride': own([128, 16, 3, 3], 16, 'torch.conv2d(x, self.k, None, [4, 4])'),
  'with a stride, of many channels': own(
    [64, 272, 3, 3],
    272,
    'torch.conv2d(x, self.k, self.bias, [2, 2], [1, 1])',
  ),
  'of one pixel, padded': own(
    [64, 16, 1, 1],
    16,
    'torch.conv2d(x, self.k, self.bias, [1, 1], [1, 1])',
  ),
  'of one pixel and many channels': {
    forward: [
      'y = torch.relu(torch.conv2d(x, self.k, self.bias))',
      'z = torch.relu(torch.conv2d(y, self.l, self.biasOfL))',
      'return torch.relu(torch.conv2d(z, self.k, self.bias) + y)',
    ],
    weights: { k: [64, 1040, 1, 1], bias: [64], l: [1040, 64, 1, 1], biasOfL: [1040] },
    channels: 1040,
  },
  'and matrices': {
    forward: [
      start,
      'z = torch.linear(torch.mean(y, [2, 3]), self.k, self.bias)',
      'return torch.linear(torch.relu(z), self.l, None)',
    ],
    weights: { k: [130, 64], bias: [130], l: [37, 130] },
  },
  'of each channel': own(
    [16, 1, 3, 3],
    16,
    `torch.conv2d(x, self.k, self.bias, [1, 1], [1, 1], [1, 1], 16)`,
  ),
  'of odd channels': own([37, 5, 3, 3], 5, `torch.conv2d(x, self.k, self.bias, ${same})`),
  'to one channel': own([1, 16, 3, 3], 16, `torch.conv2d(x, self.k, self.bias, ${same})`),
  'to 64 channels, without bias': own([64, 16, 3, 3], 16, `torch.conv2d(x, self.k, None, ${same})`),
  transposed: own([16, 8, 3, 3], 16, 'torch.conv_transpose2d(x, self.k, None, [2, 2], [1, 1])'),
  'transposed, in the long form': own(
    [16, 8, 3, 3],
    16,
    'torch._convolution(x, self.k, None, [2, 2], [1, 1], [1, 1], True, [1, 1], 1, False, False, True, True)',
  ),
  'in the long form': own(
    [64, 16, 3, 3],
    16,
    'torch._convolution(x, self.k, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, False, False, True, True)',
  ),
};

const inPlace: Record<string, Case> = {
  'a rectifier': { forward: [start, 'torch.relu_(y)', `return ${b('y')}`] },
  'a sum': { forward: [start, `z = ${b('y')}`, 'z += y', 'return torch.relu_(z)'] },
  'a sum onto what was used before': {
    forward: [start, 's = torch.sigmoid(y)', `y.add_(${b('y')})`, 'return y * s'],
    reason: /it modifies a tensor in place by aten::add_/,
  },
  'a sum onto a view': {
    forward: [start, 'v = y[:, 0:8]', 'v.add_(1.0)', `return ${b('y')}`],
    reason: /it modifies a tensor in place by aten::add_/,
  },
  'a product of the input': {
    forward: ['x.mul_(2.0)', start, 'return y'],
    reason: /it modifies a tensor in place by aten::mul_/,
  },
};

const acrossImages: Record<string, Case> = {
  'the mean': { forward: ['x = x - torch.mean(x, [0], True)', start, 'return y'] },
  'a sum with the mean': { forward: ['x = x + torch.mean(x, [0], True)', start, 'return y'] },
  'another order': { forward: ['x = x + torch.flip(x, [0])', start, 'return y'] },
  'a softmax': { forward: [start, 'return torch.softmax(torch.flatten(y, 1), 0)'] },
  'the whole mean': { forward: [start, 'return y - torch.mean(y)'] },
};

const unplannable: Record<string, Case> = {
  'a branch': {
    forward: ['if bool(x.sum() > 0):', '    x = x * 2', start, 'return y'],
    reason: /it branches or loops \(prim::If\)/,
  },
  'a loop': {
    forward: ['for i in range(int(x.size(0))):', '    x = x * 2', start, 'return y'],
    reason: /it branches or loops \(prim::Loop\)/,
  },
  'two results': {
    forward: [start, 'return y, x'],
    reason: /it returns something other than one tensor/,
  },
  'a dictionary': {
    forward: [start, 'return {"y": y}'],
    reason: /it returns something other than one tensor/,
  },
};

const stem = 'y = torch.relu(torch.conv2d(x, self.k, self.bias, [2, 2], [3, 3]))';
const stemOf = (forward: readonly string[], side?: number): Case => ({
  forward: [stem, ...forward],
  weights: { k: [64, 3, 7, 7], bias: [64] },
  channels: 3,
  ...(side === undefined ? {} : { side }),
});

/** Convolutions that may find the maxima over their output as well. */
const stems: Record<string, Case> = {
  'maxima over a stem': stemOf(['return torch.max_pool2d(y, [3, 3], [2, 2], [1, 1])']),
  'maxima over a stem, some rows at a time': stemOf(
    ['return torch.max_pool2d(y, [3, 3], [2, 2], [1, 1])'],
    203,
  ),
  'maxima of all pixels, some rows at a time': stemOf(
    ['return torch.max_pool2d(y, [3, 3], [1, 1], [1, 1])'],
    151,
  ),
  'maxima of few pixels': stemOf(['return torch.max_pool2d(y, [2, 2], [5, 5])']),
  'maxima over a stem that is needed again': stemOf([
    'return torch.max_pool2d(y, [3, 3], [1, 1], [1, 1]) + y',
  ]),
  'maxima over a sum': {
    forward: [start, `return torch.max_pool2d(torch.relu(${b('y')} + y), [3, 3], [2, 2], [1, 1])`],
  },
};

/** Of odd shapes, and other results than numbers for each image. */
const odd: Record<string, Case> = {
  ...stems,
  'a term of one pixel': { forward: [start, `return ${b('y')} + torch.mean(y, [2, 3], True)`] },
  'a term of one channel': { forward: [start, `return ${b('y')} + torch.mean(y, [1], True)`] },
  'a term that is spread': {
    forward: [
      start,
      `m = torch.mean(y, [2, 3], True).expand([-1, 64, ${side}, ${side}])`,
      `return ${b('y')} + m`,
    ],
  },
  'a later convolution of one pixel': {
    forward: [start, `return ${b('y')} + ${c('torch.adaptive_avg_pool2d(y, [1, 1])')}`],
  },
  'a maximum without a stride': {
    forward: [start, 'return torch.max_pool2d(torch.relu(y), [2, 2])'],
  },
  'a maximum over padded windows': {
    forward: ['return torch.max_pool2d(x, [3, 3], [2, 2], [1, 1])'],
  },
  'a maximum over windows with gaps between them': {
    forward: ['return torch.max_pool2d(x, [2, 2], [5, 5])'],
  },
  'one image of the batch': {
    forward: [`return torch.conv2d(x[0], self.a, None, ${same})`],
  },
  'a class': { forward: [start, 'return torch.argmax(torch.mean(y, [2, 3]), 1)'] },
  'true or false': { forward: [start, 'return y > 0'] },
  'a number of no dimension': { forward: [start, 'return torch.mean(y)'] },
  'a mean of rows': {
    forward: [start, 'z = torch.flatten(y, 1)', 'return z + torch.mean(z, [-2], True)'],
  },
  'statistics of the batch': {
    forward: [start, 'return torch.batch_norm(y, None, None, None, None, True, 0.1, 1e-5, False)'],
  },
  'products of the images': {
    forward: [start, 'z = torch.mean(y, [2, 3])', 'return torch.linear(z, z)'],
  },
  'images that are kernels': {
    forward: ['return torch.conv2d(x, torch.mean(x, [2, 3], True))'],
  },
  'one channel that meets the batch': {
    forward: ['return torch.mean(x, [1], True) + torch.mean(x, [1])'],
  },
  'a constant': {
    forward: ['return self.row'],
    weights: { row: [side] },
    reason: /its output does not depend on its input/,
  },
};

/** No convolution is the last. */
const free = (expression: string) => `return torch.hardtanh(${expression}, -1e9, 1e9)`;

/** For less precision. */
const chosen: Record<string, Case> = {
  ...stems,
  'a sum of a value with itself': { forward: [start, free('torch.relu(y + y)')] },
  'a residual': { forward: [start, free(`torch.relu(${b('y')} + y)`)] },
  'a residual, the other way round': { forward: [start, free(`torch.relu(y + ${b('y')})`)] },
  'a residual onto the input': {
    forward: [free(`torch.conv2d(x, self.k, None, ${same}) + x`)],
    weights: { k: [16, 16, 3, 3] },
  },
  'a term that is needed again': {
    forward: [start, `z = torch.relu(${b('y')} + y)`, 'return z * y'],
  },
  'a term that a view still holds': {
    forward: [start, 'v = torch.flatten(y, 1)', `return torch.flatten(${b('y')} + y, 1) * v`],
  },
  'two convolutions': {
    forward: [start, 'y = torch.relu(y)', free(`torch.relu(${c('y')} + ${b('y')})`)],
  },
  'an output that is used twice': {
    forward: [start, 'return torch.relu(y) + torch.sigmoid(y)'],
  },
  'a difference': { forward: [start, free(`${b('y')} - y`)] },
  dropout: {
    forward: [start, free(b('torch.dropout(torch.relu(y), 0.5, self.training)'))],
  },
  'a convolution that nothing uses': { forward: [start, `z = ${b('y')}`, free('y')] },
  'pools of all kinds': {
    forward: [
      ...[start, 'y = torch.max_pool2d(y, [3, 3], [1, 1], [1, 1], [2, 2])'],
      ...['y = torch.max_pool2d(y, 2, 2, 0, 1, True)', 'y = torch.avg_pool2d(y, [2, 2])'],
      free(b('torch.max_pool2d(y, [3, 1], [1, 1], [1, 0])')),
    ],
  },
  matrices: {
    forward: [
      start,
      'z = torch.linear(torch.mean(torch.relu(y), [2, 3]), self.k, self.bias)',
      free('torch.linear(torch.relu(z), self.l, None)'),
    ],
    weights: { k: [130, 64], bias: [130], l: [37, 130] },
  },
  'a maximum of bytes': {
    forward: [start, free(b('torch.max_pool2d(torch.relu(y), [3, 3], [2, 2], [1, 1])'))],
  },
  'a maximum of bytes with a sign': {
    forward: [start, free(b('torch.max_pool2d(y, [3, 3], [2, 2], [1, 1])'))],
  },
};

/** What is only awkward in bytes. */
const chosenInBytes: Record<string, Case> = {
  'a convolution that is the last': { forward: [start, `return ${b('y')}`] },
  'kernels of one row, over what has a sign': {
    forward: [free('torch.conv2d(x, self.k, None, [1, 1], [0, 3])')],
    weights: { k: [48, 16, 1, 7] },
  },
  'kernels of one pixel, over what has a sign': {
    forward: [start, free(c('y'))],
  },
  'means of all pixels, over what has a sign': {
    forward: [start, `return torch.adaptive_avg_pool2d(${b('y')}, [1, 1])`],
  },
};

/** For kernels of bytes: fours of bytes that do not fill a row, edges, steps, many channels. */
const convolutionsInBytes: Record<string, Case> = {
  'of odd channels': own([64, 5, 3, 3], 5, `torch.conv2d(x, self.k, self.bias, ${same})`),
  'of one channel, without padding': own([64, 1, 7, 7], 1, 'torch.conv2d(x, self.k, None)'),
  'of uneven kernels': own([64, 6, 1, 7], 6, 'torch.conv2d(x, self.k, None, [1, 1], [0, 3])'),
  'of kernels of one column': own([64, 6, 3, 1], 6, 'torch.conv2d(x, self.k, None, 1, [1, 0])'),
  'onto odd outputs': own([72, 16, 3, 3], 16, `torch.conv2d(x, self.k, self.bias, ${same})`),
  ...pick(convolutions, [
    ...[
      'dilated',
      'in groups',
      'in groups, with a stride',
      'of uneven strides',
      'with a stride',
      'with a long stride',
    ],
    ...['of one pixel in two', 'of one pixel, of uneven strides', 'of one pixel, padded'],
    ...['of one pixel in three, padded', 'with a stride, of many channels'],
    'of one pixel and many channels',
  ]),
};

function pick(cases: Record<string, Case>, names: readonly string[]): Record<string, Case> {
  return Object.fromEntries(names.map((name) => [name, cases[name]!]));
}

/** What a plan cannot do, and TorchScript not in int8. */
const refusedInBytes: Record<string, Case> = {
  'some of the channels': { forward: [wide, free(b('y[:, 32:96]'))] },
  'every second pixel': { forward: [start, free(b('y[:, :, ::2, ::2]'))] },
  'a term that lies in another order': {
    forward: [start, free(`${b('y')} + torch.transpose(torch.sigmoid(y), 2, 3)`)],
  },
};

const floatAlgorithms: readonly ConvolutionAlgorithm[] = [
  'onednn',
  'grouped',
  'pointwise',
  'direct',
  'winograd2x2',
  'winograd4x4',
];

describe('plans', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  // LibTorch itself may lie in the cache: it is opened before that is another.
  before(async () => {
    await (await Executor.open()).close();
  });
  temporaryEnvironment(() => ({ XDG_CACHE_HOME: folder.path }));

  for (const [title, cases] of Object.entries({
    'add as TorchScript does:': sums,
    'use values as TorchScript does:': uses,
    'do convolutions as TorchScript does:': convolutions,
    'do in place what TorchScript does:': inPlace,
    'keep images together that need each other:': acrossImages,
    'are not made of': unplannable,
  })) {
    for (const [name, one] of Object.entries(cases)) {
      it(`${title} ${name}`, () => asTorchScript(one));
    }
  }

  for (const [name, one] of Object.entries(odd)) {
    it(`give what TorchScript gives: ${name}`, () => asTorchScript(one));
  }

  for (const precision of ['bfloat16', 'int8'] as const) {
    for (const [name, one] of Object.entries(chosen)) {
      it(`in ${precision} give nearly what TorchScript gives: ${name}`, async function () {
        await nearlyAsTorchScript(this, one, precision);
      });
    }
  }

  for (const [name, one] of Object.entries({ ...chosenInBytes, ...convolutionsInBytes })) {
    it(`in int8 give nearly what TorchScript gives: ${name}`, async function () {
      await nearlyAsTorchScript(this, one, 'int8');
    });
  }

  for (const [name, one] of Object.entries({
    ...chosen,
    ...chosenInBytes,
    ...convolutionsInBytes,
  })) {
    it(`in int8 give with each algorithm nearly the same: ${name}`, async function () {
      await alikeInBytes(this, one);
    });
  }

  for (const [name, one] of Object.entries(refusedInBytes)) {
    it(`in int8 are refused with the reason: ${name}`, async () => {
      await using net = await makeNet(one.forward, { ...weights, ...one.weights });
      await assert.rejects(plan(net, one, 'default', 'int8'), {
        code: 'ERR_SEMISUP_OPTION_VALUE',
        message: /cannot run in int8, because it uses aten::(slice|transpose)/,
      });
    });
  }

  it('are not made of a method with two arguments', async () => {
    const source = '\ndef forward(self, x, y):\n    return x + y\n';
    await using net = await ScriptModule.create({ type: 'Net', source });
    using images = pictures([2, 3, side, side]);
    const { kind, reason } = await net.plan('forward', exampleOf([3, side, side]), {
      precision: 'float32',
      plan: 'default',
    });
    assert.equal(kind, 'interpreter');
    assert.match(reason, /it takes other arguments than one tensor/);
    using sum = await net.forward(images, images);
    assert.deepEqual(sum.shape, [2, 3, side, side]);
  });

  it('are dropped by to(), and weights that change count again', async () => {
    await using net = await makeNet([start, `return ${b('torch.relu(y)')} * 1.5`], weights);
    const expected = await answers(net, sums['a residual']!);
    await plan(net, sums['a residual']!, 'default');
    const zeros = new Uint8Array(4 * 64 * 64 * 9);
    const view = { dtype: 'float32', shape: [64, 64, 3, 3], stride: [576, 9, 3, 1] } as const;
    await net.fill('b', zeros, view);
    assertClose(await answers(net, sums['a residual']!), expected, 1e-3);
    await net.to({ dtype: 'float32' });
    const [first] = await answers(net, sums['a residual']!);
    assert.equal(new Set(Array.from(first!.data)).size, 64);
  });

  it('refuse images of other channels, of too few pixels, and rows of other lengths', async () => {
    const forward = [
      'y = torch.relu(torch.conv2d(x, self.c, None))',
      'y = torch.conv2d(y, self.d, None, [2, 2])',
      'return torch.linear(torch.flatten(y, 1), self.k, None)',
    ];
    const shapes = { c: [64, 16, 1, 1], d: [16, 64, 3, 3], k: [5, 16 * 36] };
    await using net = await makeNet(forward, shapes);
    const { kind } = await plan(net, { forward }, 'tune');
    assert.equal(kind, 'planned');
    for (const shape of [
      [1, 32, side, side],
      [2, 8, side, side],
      [1, 16, 2, 2],
      [3, 16, side - 2, side],
      [1, 16, side, side + 4],
    ]) {
      using images = pictures(shape);
      await assert.rejects(net.forward(images), ScriptError, shape.join(', '));
    }
    using none = pictures([1, 16, 0, side]);
    await assert.rejects(net.forward(none), ScriptError);
    using images = pictures([1, 16, side, side]);
    assert.deepEqual((await net.forward(images)).shape, [1, 5]);
  });

  for (const channels of [3, 16, 83]) {
    it(`take what is no number for the largest of ${channels} channels, as TorchScript does`, async () => {
      const forward = ['return torch.relu(torch.max_pool2d(x, [3, 3], [2, 2], [1, 1]))'];
      await using net = await makeNet(forward);
      const numbers = new Float32Array(channels * 16).map((_, i) => (i % 5 === 4 ? NaN : -i));
      using images = Tensor.from(numbers, [1, channels, 4, 4]);
      const maxima = async () => await (await net.forward(images)).data();
      const expected = await maxima();
      assert.ok([...expected].some(Number.isNaN) && ![...expected].every(Number.isNaN));
      const { kind } = await plan(net, { forward, channels }, 'default');
      assert.equal(kind, 'planned');
      assert.deepEqual(await maxima(), expected);
    });
  }

  it('in int8 refuse a sum whose shapes differ for images of another size', async () => {
    const forward = [
      'y = torch.relu(torch.conv2d(x, self.c, None))',
      'z = torch.conv2d(y, self.b, self.biasOfB, [2, 2], [1, 1])',
      'return torch.relu(z + torch.max_pool2d(y, [2, 2], [2, 2]))',
    ];
    await using net = await makeNet(forward, { ...weights, c: [64, 16, 1, 1] });
    const { kind } = await net.plan('forward', exampleOf([16, 12, 12]), {
      precision: 'int8',
      plan: 'tune',
    });
    assert.equal(kind, 'planned');
    for (const count of [1, 2, 5]) {
      using larger = pictures([count, 16, 14, 14]);
      assert.deepEqual((await net.forward(larger)).shape, [count, 64, 7, 7]);
      using odd = pictures([count, 16, 13, 13]);
      await assert.rejects(net.forward(odd), ScriptError);
    }
  });

  it('leave nothing behind of the weights that they were made of', async () => {
    const square = [2048, 2048, 1, 1];
    const row = [2048];
    const normalised = (x: string, kernel: string): string =>
      `torch.batch_norm(torch.conv2d(${x}, self.${kernel}), self.a, self.b, self.c, self.d, False, 0.1, 1e-5, False)`;
    const one: Case = {
      // Weights that are folded are copies, which a compilation unit would keep.
      forward: [`return ${normalised(normalised('x', 'k'), 'l')}`],
      weights: { k: square, l: square, a: row, b: row, c: row, d: row },
      channels: 2048,
      side: 4,
    };
    const bytes = 2 * 2048 ** 2 * Float32Array.BYTES_PER_ELEMENT;
    await using net = await makeNet(one.forward, one.weights);
    await plan(net, one, 'default');
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 12; i++) await plan(net, one, 'default');
    const grown = process.memoryUsage.rss() - before;
    // How much the C library keeps varies by a few copies; each plan would leave one.
    assert.ok(grown < 8 * bytes, `${grown} more bytes for weights of ${bytes}`);
  });

  it('refuse images that are smaller than a window', async () => {
    const forward = ['return torch.max_pool2d(x, [3, 3], [2, 2])'];
    await using net = await makeNet(forward);
    assert.equal((await plan(net, { forward }, 'default')).kind, 'planned');
    using images = pictures([1, 16, 2, 5]);
    await assert.rejects(net.forward(images), ScriptError);
  });

  it('leave all that is no float32 image to TorchScript', async () => {
    await using planned = await makeNet(['return torch.relu(x)']);
    await planned.plan('forward', exampleOf([3, 4, 4]), {
      precision: 'float32',
      plan: 'default',
    });
    for (const [shape, dtype] of [
      [[4], 'float32'],
      [[2, 3, 4], 'float32'],
      [[0, 3, 4, 4], 'float32'],
      [[2, 3, 4, 4], 'float64'],
      [[2, 3, 4, 4], 'int32'],
    ] as const) {
      using given = pictures(shape);
      using input = given.to({ dtype });
      using output = await planned.forward(input);
      assert.deepEqual([output.dtype, output.shape], [dtype, [...shape]]);
    }
  });

  /** The plan as it is at first, as it is tuned, and with each algorithm wherever it can be. */
  async function asTorchScript(one: Case): Promise<void> {
    await using net = await makeNet(one.forward, { ...weights, ...one.weights });
    const expected = await answers(net, one);
    const first = await plan(net, one, 'default');
    if (first.kind === 'interpreter') assert.match(first.reason, one.reason ?? /: it uses aten::/);
    else assert.equal(one.reason, undefined);
    assertClose(await answers(net, one), expected, 1e-4);
    const tuned = await plan(net, one, 'tune');
    assertClose(await answers(net, one), expected, 1e-3);
    // A plan that gives other numbers would have been dropped.
    assert.equal(tuned.kind, first.kind, tuned.reason);
    if (tuned.kind === 'interpreter') return;
    for (const algorithm of floatAlgorithms) {
      await choose(algorithm);
      const chosen = await plan(net, one, 'auto');
      assert.match(chosen.reason, /^The tuning was read from the cache/);
      assertClose(await answers(net, one), expected, 1e-3);
    }
  }

  async function nearlyAsTorchScript(
    test: Mocha.Context,
    one: Case,
    precision: 'bfloat16' | 'int8',
  ): Promise<void> {
    await using net = await makeNet(one.forward, { ...weights, ...one.weights });
    const expected = await answers(net, one);
    try {
      await plan(net, one, 'default', precision);
    } catch (error) {
      if (!(error instanceof OptionError) || !error.message.includes('processor')) throw error;
      test.test!.title += ` (skipped: ${error.what})`;
      test.skip();
    }
    const given = await answers(net, one);
    assertClose(given, expected, precision === 'int8' ? 0.25 : 0.05);
    assert.notDeepEqual(given, expected);
  }

  /** Roundings apart, which may change a byte by one. */
  async function alikeInBytes(test: Mocha.Context, one: Case): Promise<void> {
    const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
    if (!processor.includes('avx512_vnni')) {
      test.test!.title += ' (skipped: this processor has but one, without AVX-512 VNNI)';
      test.skip();
    }
    await using net = await makeNet(one.forward, { ...weights, ...one.weights });
    const { kind, reason } = await plan(net, one, 'tune', 'int8');
    assert.equal(kind, 'planned', reason);
    const given: Answer[][] = [];
    for (const algorithm of ['onednn', 'direct'] as const) {
      await choose(algorithm);
      assert.match((await plan(net, one, 'auto', 'int8')).reason, /^The tuning was read from the cache/);
      given.push(await answers(net, one));
    }
    assertClose(given[1]!, given[0]!, 0.02);
  }

  /** Changes what was kept of the tuning: one algorithm for all convolutions that take it. */
  async function choose(algorithm: ConvolutionAlgorithm): Promise<void> {
    const plans = join(folder.path, 'semisup', 'plans');
    const [name] = await readdir(plans);
    const kept = JSON.parse(await readFile(join(plans, name!), 'utf8')) as {
      choices: PlanChoices;
    };
    const algorithms = kept.choices.latency.algorithms.map(() => algorithm);
    const subBatch = algorithm === 'onednn' ? 1 : 2;
    kept.choices = { latency: { algorithms }, throughput: { algorithms, subBatch } };
    await writeFile(join(plans, name!), JSON.stringify(kept));
  }
});

interface Answer {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

async function answers(
  net: ScriptModule,
  { channels = 16, side: length = side }: Case,
): Promise<Answer[]> {
  const given: Answer[] = [];
  for (const count of batches) {
    using input = pictures([count, channels, length, length], count);
    const output = await net.forward<Tensor | Tensor[] | { y: Tensor }>(input);
    const tensor = Array.isArray(output) ? output[0]! : 'y' in output ? output.y : output;
    const data = (await tensor.data()) as ArrayLike<number | bigint>;
    given.push({ dtype: tensor.dtype, shape: tensor.shape, data });
  }
  return given;
}

async function plan(
  net: ScriptModule,
  { channels = 16, side: length = side }: Case,
  mode: 'default' | 'tune' | 'auto',
  precision: Precision = 'float32',
) {
  return await net.plan('forward', exampleOf([channels, length, length]), {
    precision,
    plan: mode,
  });
}

function exampleOf(shape: readonly number[]) {
  const transform = { resize: 32, crop: 32, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  return { shape, transform, createBatch: () => Promise.resolve(pictures([8, ...shape], 100)) };
}

/** @param tolerance as a part of the largest number */
function assertClose(
  given: readonly Answer[],
  expected: readonly Answer[],
  tolerance: number,
): void {
  for (const [i, { dtype, shape, data }] of expected.entries()) {
    assert.deepEqual([given[i]!.dtype, given[i]!.shape], [dtype, shape]);
    let [largest, worst] = [0, 0];
    for (let at = 0; at < data.length; at++) {
      const [wanted, number] = [Number(data[at]), Number(given[i]!.data[at])];
      largest = Math.max(largest, Math.abs(wanted));
      worst = Math.max(worst, Math.abs(wanted - number));
    }
    assert.ok(worst <= tolerance * largest, `batch of ${batches[i]}: ${worst} of ${largest}`);
  }
}
