import assert from 'node:assert/strict';
import { OptionError, ScriptError } from '../../src/errors';
import { makeNet, syntheticImages } from '../support/convolutions';
import {
  int8Convolutions,
  int8Graphs,
  int8Unsupported,
  reducedPrecisionGraphs,
  weights,
  type PlanCase,
} from '../support/plan-cases';
import {
  assertClose,
  outputsOf,
  planExample,
  planNet,
  temporaryTuningCache,
} from '../support/plans';

describe('a plan of reduced precision', function () {
  this.timeout(120_000);
  temporaryTuningCache();

  for (const precision of ['bfloat16', 'int8'] as const) {
    for (const [name, graph] of Object.entries(reducedPrecisionGraphs)) {
      it(`approximates TorchScript in ${precision}: ${name}`, async function () {
        await assertApproximatesTorchScript(this, graph, precision);
      });
    }
  }

  for (const [name, graph] of Object.entries({ ...int8Graphs, ...int8Convolutions })) {
    it(`approximates TorchScript in int8: ${name}`, async function () {
      await assertApproximatesTorchScript(this, graph, 'int8');
    });
  }

  for (const [name, graph] of Object.entries(int8Unsupported)) {
    it(`rejects an unsupported int8 graph, naming its operator: ${name}`, async () => {
      await using net = await makeNet(graph.forward, { ...weights, ...graph.weights });
      await assert.rejects(planNet(net, graph, 'untuned', 'int8'), {
        code: 'ERR_SEMISUP_OPTION_VALUE',
        message: /cannot run in int8, because it uses aten::(slice|transpose)/,
      });
    });
  }

  it('rejects an int8 sum whose shapes differ for another image size', async () => {
    const forward = [
      'y = torch.relu(torch.conv2d(x, self.c, None))',
      'z = torch.conv2d(y, self.b, self.biasOfB, [2, 2], [1, 1])',
      'return torch.relu(z + torch.max_pool2d(y, [2, 2], [2, 2]))',
    ];
    await using net = await makeNet(forward, { ...weights, c: [64, 16, 1, 1] });
    const { kind } = await net.plan('forward', planExample([16, 12, 12]), {
      precision: 'int8',
      plan: 'tune',
    });
    assert.equal(kind, 'planned');
    for (const count of [1, 2, 5]) {
      using larger = syntheticImages([count, 16, 14, 14]);
      assert.deepEqual((await net.forward(larger)).shape, [count, 64, 7, 7]);
      using odd = syntheticImages([count, 16, 13, 13]);
      await assert.rejects(net.forward(odd), ScriptError);
    }
  });

  async function assertApproximatesTorchScript(
    test: Mocha.Context,
    graph: PlanCase,
    precision: 'bfloat16' | 'int8',
  ): Promise<void> {
    await using net = await makeNet(graph.forward, { ...weights, ...graph.weights });
    const expected = await outputsOf(net, graph);
    try {
      await planNet(net, graph, 'untuned', precision);
    } catch (error) {
      if (!(error instanceof OptionError) || !error.message.includes('processor')) throw error;
      test.test!.title += ` (skipped: ${error.what})`;
      test.skip();
    }
    const actual = await outputsOf(net, graph);
    assertClose(actual, expected, precision === 'int8' ? 0.25 : 0.05);
    assert.notDeepEqual(actual, expected);
  }
});
