import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { CompiledModule } from '../../src/compiled';
import { ScriptModule } from '../../src/torch';
import { compileNet, planAsCompiled } from '../support/compiled';
import {
  logitsOf,
  networkNames,
  readNetwork,
  relativeError,
  temporaryNetworks,
} from '../support/networks';
import { temporaryTuningCache } from '../support/plans';

/** The largest error of the logits, as in the tests of plans. */
const tolerances = { float32: 2e-5, bfloat16: 0.1, int8: 0.3 } as const;

describe('a compiled network', function () {
  this.timeout(300_000);
  const cache = temporaryTuningCache();
  const directory = temporaryNetworks();

  for (const name of networkNames) {
    for (const precision of ['float32', 'bfloat16', 'int8'] as const) {
      it(`computes exactly what its plan computes: ${name} in ${precision}`, async function () {
        const network = readNetwork(directory.path, name);
        const shape = network.shape.slice(1);
        await using net = await ScriptModule.load(network.path);
        let compiled: CompiledModule;
        try {
          compiled = await compileNet(net, join(directory.path, `${name}.semisup`), {
            shape,
            precision,
          });
        } catch (error) {
          if (!String(error).includes('processor')) throw error;
          this.test!.title += ' (skipped: this processor lacks it)';
          this.skip();
        }
        await planAsCompiled(net, compiled, { cache: cache.path, shape, precision });
        for (const count of [1, 2, 3, 4, 5]) {
          const logits = await logitsOf(compiled, network, count);
          assert.deepEqual(logits, await logitsOf(net, network, count), `batch of ${count}`);
          const error = relativeError(logits, network.logits);
          assert.ok(error < tolerances[precision], `batch of ${count}: ${error}`);
        }
        await compiled.close();
      });
    }
  }
});
