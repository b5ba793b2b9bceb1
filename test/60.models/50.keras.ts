import assert from 'node:assert/strict';
import { contiguousStride, type StateDict, type StoredTensor } from '../../src/checkpoint';
import { CheckpointError } from '../../src/errors';
import { fromKeras } from '../../src/convert';
import { imagenetTransform } from '../../src/models/transform';
import { uniform } from '../support/generated-checkpoint';

function storedTensor(shape: number[], values: ArrayLike<number>): StoredTensor {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return {
    dtype: 'float32',
    shape,
    stride: contiguousStride(shape),
    read: () => Promise.resolve(bytes),
  };
}

function kerasState(tensors: Record<string, StoredTensor>): StateDict {
  return {
    path: 'model.json',
    tensors: new Map(Object.entries(tensors)),
    close: () => Promise.resolve(),
  };
}

async function readFloats(state: StateDict, name: string): Promise<Float32Array> {
  return new Float32Array(new Uint8Array(await state.tensors.get(name)!.read()).buffer);
}

const [outputs, eps] = [4, { keras: 1e-3, torch: 1e-5 }];

function layer(conv: string, bn: string, inputs: number): Record<string, StoredTensor> {
  return {
    [`${conv}/kernel`]: storedTensor([1, 1, inputs, outputs], uniform(1, inputs * outputs, 0, 1)),
    [`${conv}/bias`]: storedTensor([outputs], uniform(2, outputs, 0, 1)),
    [`${bn}/gamma`]: storedTensor([outputs], uniform(3, outputs, 1, 0.5)),
    [`${bn}/beta`]: storedTensor([outputs], uniform(4, outputs, 0, 1)),
    [`${bn}/moving_mean`]: storedTensor([outputs], uniform(5, outputs, 0, 1)),
    [`${bn}/moving_variance`]: storedTensor([outputs], uniform(6, outputs, 1, 0.9)),
  };
}

/** The layer as Keras computes it: a 1x1 convolution with a bias, then BatchNormalization. */
async function runKeras(state: StateDict, conv: string, bn: string, input: number[]) {
  const kernel = await readFloats(state, `${conv}/kernel`);
  const bias = await readFloats(state, `${conv}/bias`);
  const [gamma, beta, mean, variance] = await Promise.all(
    ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((part) =>
      readFloats(state, `${bn}/${part}`),
    ),
  );
  return Array.from(gamma!, (scale, o) => {
    const sum = input.reduce((all, value, i) => all + value * kernel[i * outputs + o]!, bias[o]!);
    return (scale * (sum - mean![o]!)) / Math.sqrt(variance![o]! + eps.keras) + beta![o]!;
  });
}

/** The layer as torchvision computes it: a 1x1 convolution without a bias, then BatchNorm2d. */
async function runTorch(state: StateDict, conv: string, bn: string, input: number[]) {
  const kernel = await readFloats(state, `${conv}.weight`);
  const [o1, i1] = state.tensors.get(`${conv}.weight`)!.stride as [number, number];
  const [gamma, beta, mean, variance] = await Promise.all(
    ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      readFloats(state, `${bn}.${part}`),
    ),
  );
  return Array.from(gamma!, (scale, o) => {
    const sum = input.reduce((all, value, i) => all + value * kernel[o * o1 + i * i1]!, 0);
    return (scale * (sum - mean![o]!)) / Math.sqrt(variance![o]! + eps.torch) + beta![o]!;
  });
}

function assertNear(actual: number[], expected: number[]): void {
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]!) < 1e-4, `${value} is not ${expected[i]}`);
  }
}

describe('fromKeras', () => {
  it('preserves the output of a residual block', async () => {
    const source = kerasState(layer('res4f_branch2b', 'bn4f_branch2b', 5));
    const state = fromKeras(source);
    const [conv, bn] = ['layer3.5.conv2', 'layer3.5.bn2'];
    const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => `${bn}.${part}`);
    assert.deepEqual([...state.tensors.keys()].sort(), [`${conv}.weight`, ...parts].sort());
    const input = [1, -2, 3, 0.5, 0];
    assertNear(
      await runTorch(state, conv, bn, input),
      await runKeras(source, 'res4f_branch2b', 'bn4f_branch2b', input),
    );
  });

  it('preserves the output of the stem, for normalized RGB instead of BGR minus a mean', async () => {
    const source = kerasState(layer('conv1', 'bn_conv1', 3));
    const state = fromKeras(source);
    const { mean, std } = imagenetTransform;
    for (const rgb of [
      [0, 0, 0],
      [255, 0, 0],
      [12, 200, 99],
    ]) {
      const normalized = rgb.map((level, i) => (level / 255 - mean[i]!) / std[i]!);
      const [r, g, b] = rgb as [number, number, number];
      const expected = await runKeras(source, 'conv1', 'bn_conv1', [
        b - 103.939,
        g - 116.779,
        r - 123.68,
      ]);
      assertNear(await runTorch(state, 'conv1', 'bn1', normalized), expected);
    }
  });

  it('keeps the weights of the stem within the range of float16', async () => {
    const state = fromKeras(kerasState(layer('conv1', 'bn_conv1', 3)));
    const weight = await readFloats(state, 'conv1.weight');
    assert.ok(Math.max(...weight.map(Math.abs)) < 1);
  });

  it('renames the shortcuts of the first blocks', () => {
    const state = fromKeras(kerasState(layer('res2a_branch1', 'bn2a_branch1', 3)));
    assert.ok(state.tensors.has('layer1.0.downsample.0.weight'));
    assert.ok(state.tensors.has('layer1.0.downsample.1.running_var'));
  });

  it('transposes kernels and the dense layer by their strides, without a copy', async () => {
    const kernel = storedTensor([3, 3, 2, 5], uniform(1, 90, 0, 1));
    const dense = storedTensor([2, 7], uniform(2, 14, 0, 1));
    const state = fromKeras(
      kerasState({
        'res3b_branch2b/kernel': kernel,
        'fc1000/kernel': dense,
        'fc1000/bias': storedTensor([7], new Float32Array(7)),
      }),
    );
    const weight = state.tensors.get('layer2.1.conv2.weight')!;
    assert.deepEqual(
      [weight.shape, weight.stride],
      [
        [5, 2, 3, 3],
        [1, 5, 30, 10],
      ],
    );
    assert.equal(await weight.read(), await kernel.read());
    const fc = state.tensors.get('fc.weight')!;
    assert.deepEqual(
      [fc.shape, fc.stride],
      [
        [7, 2],
        [1, 7],
      ],
    );
    assert.deepEqual(state.tensors.get('fc.bias')!.shape, [7]);
  });

  it('preserves unknown names', () => {
    const tensor = storedTensor([1], [0]);
    for (const name of [
      'conv2/kernel',
      'res6a_branch1/kernel',
      'res2a_branch2d/bias',
      'conv1',
      '',
    ]) {
      assert.equal(fromKeras(kerasState({ [name]: tensor })).tensors.get(name), tensor);
    }
  });

  it('closes the source state dict', async () => {
    let closed = false;
    const close = (): Promise<void> => {
      closed = true;
      return Promise.resolve();
    };
    const source = { ...kerasState({}), close };
    await fromKeras(source).close();
    assert.ok(closed);
  });

  it('rejects kernels of another rank or depth', () => {
    const flat = { 'res2a_branch1/kernel': storedTensor([4], [1, 2, 3, 4]) };
    const gray = { 'conv1/kernel': storedTensor([1, 1, 1, 4], [1, 2, 3, 4]) };
    for (const tensors of [flat, gray]) {
      assert.throws(() => fromKeras(kerasState(tensors)), {
        name: CheckpointError.name,
        code: 'ERR_SEMISUP_CHECKPOINT_MISMATCH',
      });
    }
  });

  it('rejects a moving mean whose convolution bias is missing or has another length', async () => {
    const whole = layer('res4f_branch2b', 'bn4f_branch2b', 5);
    const without = Object.fromEntries(
      Object.entries(whole).filter(([name]) => name !== 'res4f_branch2b/bias'),
    );
    const short = { ...whole, 'res4f_branch2b/bias': storedTensor([1], [0]) };
    for (const tensors of [without, short]) {
      const { tensors: converted } = fromKeras(kerasState(tensors));
      await assert.rejects(converted.get('layer3.5.bn2.running_mean')!.read(), {
        code: 'ERR_SEMISUP_CHECKPOINT_MISMATCH',
        message: /res4f_branch2b\/bias/,
      });
    }
  });
});
