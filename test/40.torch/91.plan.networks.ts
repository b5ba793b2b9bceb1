import assert from 'node:assert/strict';
import { ScriptModule } from '../../src/torch';
import { selectEverywhere } from '../support/algorithms';
import {
  logitsOf,
  networkClasses,
  networkNames,
  readNetwork,
  relativeError,
  temporaryNetworks,
} from '../support/networks';
import { planExample, temporaryTuningCache } from '../support/plans';

describe('a plan of a network', function () {
  this.timeout(300_000);
  const cache = temporaryTuningCache();
  const directory = temporaryNetworks();

  async function plan(net: ScriptModule, shape: readonly number[], options: object) {
    return await net.plan('forward', planExample(shape.slice(1)), options);
  }

  for (const name of networkNames) {
    it(`computes the logits of Python's PyTorch: ${name}`, async () => {
      const network = readNetwork(directory.path, name);
      await using net = await ScriptModule.load(network.path);
      for (const mode of ['untuned', 'tune'] as const) {
        const { kind, reason } = await plan(net, network.shape, { plan: mode });
        assert.equal(kind, 'planned', reason);
        for (const count of [1, 2, 3, 4, 5]) {
          const error = relativeError(await logitsOf(net, network, count), network.logits);
          assert.ok(error < 2e-5, `${mode}, batch of ${count}: ${error}`);
        }
      }
    });

    it(`propagates NaN to the logits of its image only: ${name}`, async function () {
      const network = readNetwork(directory.path, name);
      const images = network.images.slice();
      images[images.length / 5 + 1000] = NaN;
      await using net = await ScriptModule.load(network.path);
      // oneDNN's ReLU replaces NaN by 0.
      const { instructionSet } = await plan(net, network.shape, { plan: 'tune' });
      if (instructionSet === 'none') {
        this.test!.title += ' (skipped: only oneDNN is available)';
        this.skip();
      }
      await selectEverywhere(cache.path, 'direct');
      const { kind, reason } = await plan(net, network.shape, { plan: 'auto' });
      assert.equal(kind, 'planned', reason);
      const logits = await logitsOf(net, { ...network, images }, 3);
      const isNan = [...logits].map(Number.isNaN);
      assert.deepEqual(
        isNan,
        isNan.map((_, i) => Math.floor(i / networkClasses) === 1),
      );
    });

    for (const [precision, tolerance] of [
      ['bfloat16', 0.1],
      ['int8', 0.3],
    ] as const) {
      it(`approximates them in ${precision}: ${name}`, async function () {
        const network = readNetwork(directory.path, name);
        await using net = await ScriptModule.load(network.path);
        try {
          const { kind, reason } = await plan(net, network.shape, { plan: 'untuned', precision });
          assert.equal(kind, 'planned', reason);
        } catch (error) {
          if (!String(error).includes('processor')) throw error;
          this.test!.title += ' (skipped: this processor lacks it)';
          this.skip();
        }
        for (const count of [1, 2, 5]) {
          const error = relativeError(await logitsOf(net, network, count), network.logits);
          assert.ok(error < tolerance, `batch of ${count}: ${error}`);
        }
      });
    }
  }
});
