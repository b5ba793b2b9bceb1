import assert from 'node:assert/strict';
import { Tensor } from '../../src/native';
import { makeNet } from '../support/convolutions';
import { planNet, temporaryTuningCache } from '../support/plans';

const activations = {
  relu: 'torch.relu(x)',
  relu6: 'torch.hardtanh(x, 0.0, 6.0)',
  sigmoid: 'torch.sigmoid(x)',
  silu: 'torch.silu(x)',
  gelu: 'torch.gelu(x)',
  'gelu by tanh': 'torch.gelu(x, approximate="tanh")',
  hardswish: 'torch.hardswish(x)',
  hardsigmoid: 'torch.hardsigmoid(x)',
  'tanh, which has no kernel': 'torch.tanh(x)',
};

/** All magnitudes of both signs, with infinities and NaN. */
const grid = Float32Array.from(
  [NaN, Infinity, 0, 3.4e38, 1e-45, 1.2e-38, 88.72, 88.73, 87.34, 103.97, 104.1]
    .concat(Array.from({ length: 900 }, (_, i) => i / 45))
    .concat(Array.from({ length: 400 }, (_, i) => 1e-35 * 1.5 ** i))
    .flatMap((value) => [value, -value]),
);

describe('an activation in a plan', function () {
  this.timeout(120_000);
  temporaryTuningCache();

  for (const [name, call] of Object.entries(activations)) {
    // 3 columns end each row of a matrix in part of a vector.
    for (const channels of [1, 3]) {
      it(`is PyTorch's, also of extremes: ${name}, ${channels} channels`, async () => {
        const width = Math.floor(grid.length / channels);
        const shape = [1, channels, 1, width];
        await using net = await makeNet([`return ${call}`]);
        using input = Tensor.from(grid.slice(0, channels * width), shape);
        const expected = await (await net.forward(input)).data();
        const { kind, reason } = await planNet(net, { forward: [], channels }, 'untuned');
        assert.equal(kind, 'planned', reason);
        const actual = await (await net.forward(input)).data();
        for (const [i, wanted] of (expected as Float32Array).entries()) {
          // PyTorch's is infinity or NaN, depending on the position in a vector.
          if (name === 'gelu' && grid[i] === Infinity) continue;
          const value = (actual as Float32Array)[i]!;
          const isClose =
            Object.is(Math.abs(value), Math.abs(wanted)) ||
            Math.abs(value - wanted) <= 2e-6 * Math.max(1, Math.abs(wanted));
          assert.ok(isClose, `${grid[i]}: ${value} in place of ${wanted}`);
        }
      });
    }
  }
});
