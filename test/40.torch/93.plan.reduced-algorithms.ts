import assert from 'node:assert/strict';
import { type InstructionSet } from '../../src/native';
import { openNative } from '../../src/torch';
import { reducedAlgorithms, selectEverywhere } from '../support/algorithms';
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

/** The instruction sets with a kernel of each precision. */
const supporting: Record<'int8' | 'bfloat16', readonly InstructionSet[]> = {
  int8: [
    'neon_dot',
    'neon_bf16',
    'avx2',
    'avx2_vnni',
    'avx512',
    'avx512_vnni',
    'avx512_bf16',
    'amx',
  ],
  bfloat16: ['neon_bf16', 'avx512_bf16', 'amx'],
};

for (const precision of ['int8', 'bfloat16'] as const) {
  describe(`the algorithms of a plan in ${precision}`, function () {
    this.timeout(120_000);
    const cache = temporaryTuningCache();

    before(async function () {
      const { instructionSet } = await openNative();
      if (supporting[precision].includes(instructionSet)) return;
      this.test!.parent!.title += ` (skipped: with ${instructionSet}, only one is available)`;
      this.skip();
    });

    for (const [name, graph] of Object.entries({
      ...reducedPrecisionGraphs,
      ...int8Graphs,
      ...int8Convolutions,
    })) {
      it(`agree to within rounding: ${name}`, () => assertAlgorithmsAgree(graph));
    }

    /** Rounding may change an int8 value by one, and the last bit of a bfloat16 value. */
    async function assertAlgorithmsAgree(graph: PlanCase): Promise<void> {
      await using net = await makeNet(graph.forward, { ...weights, ...graph.weights });
      const { kind, reason } = await planNet(net, graph, 'tune', precision);
      assert.equal(kind, 'planned', reason);
      const outputs: NetOutput[][] = [];
      for (const algorithm of reducedAlgorithms) {
        await selectEverywhere(cache.path, algorithm);
        assert.match(
          (await planNet(net, graph, 'auto', precision)).reason,
          /^The tuning was read from the cache/,
        );
        outputs.push(await outputsOf(net, graph));
      }
      for (const output of outputs.slice(1)) assertClose(output, outputs[0]!, 0.02);
    }
  });
}
