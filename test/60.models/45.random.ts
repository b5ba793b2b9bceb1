import assert from 'node:assert/strict';
import { randomState } from '../../src/convert';

async function floatsOf(seed: number, name: string): Promise<Float32Array> {
  const bytes = await randomState('resnet18', seed).tensors.get(name)!.read();
  return new Float32Array(bytes.buffer);
}

describe('random weights', () => {
  it('have the standard deviation of Kaiming, by the fan-out, and the shape of a normal distribution', async () => {
    for (const [name, fanOut] of [
      ['conv1.weight', 64 * 7 * 7],
      ['layer4.1.conv2.weight', 512 * 3 * 3],
      ['layer2.0.downsample.0.weight', 128],
    ] as const) {
      const values = await floatsOf(0, name);
      const scaled = values.map((value) => value / Math.sqrt(2 / fanOut));
      const moment = (power: number) =>
        scaled.reduce((sum, value) => sum + value ** power, 0) / scaled.length;
      // Five standard errors of the mean, the variance and the fourth moment of a normal distribution.
      const bound = 5 / Math.sqrt(scaled.length);
      assert.ok(Math.abs(moment(1)) < bound, `${name}: the mean is ${moment(1)}`);
      assert.ok(Math.abs(moment(2) - 1) < Math.sqrt(2) * bound, `the variance is ${moment(2)}`);
      assert.ok(Math.abs(moment(4) - 3) < Math.sqrt(96) * bound, `the kurtosis is ${moment(4)}`);
    }
  });

  it('are those of torchvision for normalizations, and without the last layer', async () => {
    const { tensors } = randomState('resnet18', 0);
    assert.equal(tensors.size, 122 - 2);
    assert.deepEqual([...tensors.keys()].slice(0, 3), ['conv1.weight', 'bn1.weight', 'bn1.bias']);
    for (const [name, expected] of [
      ['bn1.weight', 1],
      ['bn1.bias', 0],
      ['bn1.running_mean', 0],
      ['bn1.running_var', 1],
    ] as const) {
      assert.deepEqual(await floatsOf(0, name), new Float32Array(64).fill(expected));
    }
  });

  it('depend on the seed alone, and differ between tensors', async () => {
    const of = async (seed: number, name: string) => (await floatsOf(seed, name)).slice(0, 100);
    const first = await of(1, 'layer1.0.conv1.weight');
    assert.deepEqual(await of(1, 'layer1.0.conv1.weight'), first);
    assert.notDeepEqual(await of(2, 'layer1.0.conv1.weight'), first);
    assert.notDeepEqual(await of(1, 'layer1.0.conv2.weight'), first);
  });
});
