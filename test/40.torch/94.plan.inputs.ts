import assert from 'node:assert/strict';
import { ScriptError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { makeNet, syntheticImages } from '../support/convolutions';
import { side, type PlanCase } from '../support/plan-cases';
import { planExample, planNet, temporaryTuningCache } from '../support/plans';

describe('the inputs and memory of a plan', function () {
  this.timeout(120_000);
  temporaryTuningCache();

  it('rejects images with other channel counts, too few pixels or another flattened length', async () => {
    const forward = [
      'y = torch.relu(torch.conv2d(x, self.c, None))',
      'y = torch.conv2d(y, self.d, None, [2, 2])',
      'return torch.linear(torch.flatten(y, 1), self.k, None)',
    ];
    const shapes = { c: [64, 16, 1, 1], d: [16, 64, 3, 3], k: [5, 16 * 36] };
    await using net = await makeNet(forward, shapes);
    const { kind } = await planNet(net, { forward }, 'tune');
    assert.equal(kind, 'planned');
    for (const shape of [
      [1, 32, side, side],
      [2, 8, side, side],
      [1, 16, 2, 2],
      [3, 16, side - 2, side],
      [1, 16, side, side + 4],
    ]) {
      using images = syntheticImages(shape);
      await assert.rejects(net.forward(images), ScriptError, shape.join(', '));
    }
    using empty = syntheticImages([1, 16, 0, side]);
    await assert.rejects(net.forward(empty), ScriptError);
    using images = syntheticImages([1, 16, side, side]);
    assert.deepEqual((await net.forward(images)).shape, [1, 5]);
  });

  it('rejects images smaller than a pooling window', async () => {
    const forward = ['return torch.max_pool2d(x, [3, 3], [2, 2])'];
    await using net = await makeNet(forward);
    assert.equal((await planNet(net, { forward }, 'untuned')).kind, 'planned');
    using images = syntheticImages([1, 16, 2, 5]);
    await assert.rejects(net.forward(images), ScriptError);
  });

  for (const channels of [3, 16, 83]) {
    it(`propagates NaN through max pooling of ${channels} channels, as TorchScript does`, async () => {
      const forward = ['return torch.relu(torch.max_pool2d(x, [3, 3], [2, 2], [1, 1]))'];
      await using net = await makeNet(forward);
      const numbers = new Float32Array(channels * 16).map((_, i) => (i % 5 === 4 ? NaN : -i));
      using images = Tensor.from(numbers, [1, channels, 4, 4]);
      const maxima = async () => await (await net.forward(images)).data();
      const expected = await maxima();
      assert.ok([...expected].some(Number.isNaN) && ![...expected].every(Number.isNaN));
      const { kind } = await planNet(net, { forward, channels }, 'untuned');
      assert.equal(kind, 'planned');
      assert.deepEqual(await maxima(), expected);
    });
  }

  it('leaves inputs other than float32 images to TorchScript', async () => {
    await using planned = await makeNet(['return torch.relu(x)']);
    await planned.plan('forward', planExample([3, 4, 4]), {
      precision: 'float32',
      plan: 'untuned',
    });
    for (const [shape, dtype] of [
      [[4], 'float32'],
      [[2, 3, 4], 'float32'],
      [[0, 3, 4, 4], 'float32'],
      [[2, 3, 4, 4], 'float64'],
      [[2, 3, 4, 4], 'int32'],
    ] as const) {
      using given = syntheticImages(shape);
      using input = given.to({ dtype });
      using output = await planned.forward(input);
      assert.deepEqual([output.dtype, output.shape], [dtype, [...shape]]);
    }
  });

  it('releases the weights from which it was built', async () => {
    const square = [2048, 2048, 1, 1];
    const row = [2048];
    const normalized = (x: string, kernel: string): string =>
      `torch.batch_norm(torch.conv2d(${x}, self.${kernel}), self.a, self.b, self.c, self.d, False, 0.1, 1e-5, False)`;
    const graph: PlanCase = {
      // Folded weights are copies, which a compilation unit would keep alive.
      forward: [`return ${normalized(normalized('x', 'k'), 'l')}`],
      weights: { k: square, l: square, a: row, b: row, c: row, d: row },
      channels: 2048,
      side: 4,
    };
    const bytes = 2 * 2048 ** 2 * Float32Array.BYTES_PER_ELEMENT;
    await using net = await makeNet(graph.forward, graph.weights);
    await planNet(net, graph, 'untuned');
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 12; i++) await planNet(net, graph, 'untuned');
    const grown = process.memoryUsage.rss() - before;
    // The C allocator retains a few copies; a leak would retain one for each plan.
    assert.ok(grown < 8 * bytes, `${grown} bytes retained for weights of ${bytes} bytes`);
  });
});
