import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { int8Algorithms, selectEverywhere } from '../support/algorithms';
import { makeNet } from '../support/convolutions';
import {
  int8Convolutions,
  int8Graphs,
  reducedPrecisionGraphs,
  weights,
  type PlanCase,
} from '../support/plan-cases';
import {
  assertClose,
  outputsOf,
  planNet,
  temporaryTuningCache,
  type NetOutput,
} from '../support/plans';

describe('the algorithms of an int8 plan', function () {
  this.timeout(120_000);
  const cache = temporaryTuningCache();

  for (const [name, graph] of Object.entries({
    ...reducedPrecisionGraphs,
    ...int8Graphs,
    ...int8Convolutions,
  })) {
    it(`agree to within rounding: ${name}`, async function () {
      await assertAlgorithmsAgree(this, graph);
    });
  }

  /** Rounding may change an int8 value by one. */
  async function assertAlgorithmsAgree(test: Mocha.Context, graph: PlanCase): Promise<void> {
    const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
    if (!processor.includes('avx512_vnni')) {
      test.test!.title += ' (skipped: without AVX-512 VNNI, only one algorithm is available)';
      test.skip();
    }
    await using net = await makeNet(graph.forward, { ...weights, ...graph.weights });
    const { kind, reason } = await planNet(net, graph, 'tune', 'int8');
    assert.equal(kind, 'planned', reason);
    const outputs: NetOutput[][] = [];
    for (const algorithm of int8Algorithms) {
      await selectEverywhere(cache.path, algorithm);
      assert.match(
        (await planNet(net, graph, 'auto', 'int8')).reason,
        /^The tuning was read from the cache/,
      );
      outputs.push(await outputsOf(net, graph));
    }
    assertClose(outputs[1]!, outputs[0]!, 0.02);
  }
});
