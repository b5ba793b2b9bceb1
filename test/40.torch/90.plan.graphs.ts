import assert from 'node:assert/strict';
import { ScriptModule } from '../../src/torch';
import { makeNet, syntheticImages } from '../support/convolutions';
import {
  acrossImages,
  b,
  dataFlow,
  inPlaceOperators,
  residuals,
  side,
  start,
  unsupportedGraphs,
  unusualShapes,
  weights,
} from '../support/plan-cases';
import {
  assertClose,
  assertMatchesTorchScript,
  outputsOf,
  planExample,
  planNet,
  temporaryTuningCache,
} from '../support/plans';

describe('a plan of a graph', function () {
  this.timeout(120_000);
  const cache = temporaryTuningCache();

  for (const [title, cases] of Object.entries({
    'matches TorchScript for sums:': residuals,
    'matches TorchScript for data flow:': dataFlow,
    'matches TorchScript for in-place operators:': inPlaceOperators,
    'does not split a batch whose images interact:': acrossImages,
    'leaves unsupported graphs to TorchScript:': unsupportedGraphs,
    'matches TorchScript for unusual shapes and outputs:': unusualShapes,
  })) {
    for (const [name, graph] of Object.entries(cases)) {
      it(`${title} ${name}`, () => assertMatchesTorchScript(graph, cache.path));
    }
  }

  it('leaves a method with two arguments to TorchScript', async () => {
    const source = '\ndef forward(self, x, y):\n    return x + y\n';
    await using net = await ScriptModule.create({ type: 'Net', source });
    using images = syntheticImages([2, 3, side, side]);
    const { kind, reason } = await net.plan('forward', planExample([3, side, side]), {
      precision: 'float32',
      plan: 'untuned',
    });
    assert.equal(kind, 'interpreter');
    assert.match(reason, /it takes other arguments than one tensor/);
    using sum = await net.forward(images, images);
    assert.deepEqual(sum.shape, [2, 3, side, side]);
  });

  it('is discarded by to(), after which changed weights take effect', async () => {
    await using net = await makeNet([start, `return ${b('torch.relu(y)')} * 1.5`], weights);
    const expected = await outputsOf(net, residuals['a residual']!);
    await planNet(net, residuals['a residual']!, 'untuned');
    const zeros = new Uint8Array(4 * 64 * 64 * 9);
    const view = { dtype: 'float32', shape: [64, 64, 3, 3], stride: [576, 9, 3, 1] } as const;
    await net.fill('b', zeros, view);
    assertClose(await outputsOf(net, residuals['a residual']!), expected, 1e-3);
    await net.to({ dtype: 'float32' });
    const [first] = await outputsOf(net, residuals['a residual']!);
    assert.equal(new Set(Array.from(first!.data)).size, 64);
  });
});
