import assert from 'node:assert/strict';
import { ScriptError } from '../../src/errors';
import type { Tensor } from '../../src/native';
import type { ScriptModule } from '../../src/torch';
import { makeNet, syntheticImages } from '../support/convolutions';
import { b, outputs, side, start, weights } from '../support/plan-cases';
import { assertMatchesTorchScript, planNet, temporaryTuningCache } from '../support/plans';

describe('a plan of a method with several outputs', function () {
  this.timeout(120_000);
  const cache = temporaryTuningCache();

  for (const [name, graph] of Object.entries(outputs)) {
    it(`matches TorchScript: ${name}`, async () => {
      await using net = await makeNet(graph.forward, weights);
      assert.equal((await planNet(net, graph, 'untuned')).kind, 'planned');
      await assertMatchesTorchScript(graph, cache.path);
    });
  }
});

describe('a call for some outputs of a method', function () {
  const forward = [start, `z = torch.relu(${b('y')})`, 'return x, torch.relu(y), z, z + z'];
  const dataOf = async (tensors: readonly Tensor[]) =>
    await Promise.all(tensors.map((tensor) => tensor.data()));
  let net: ScriptModule;
  before(async () => {
    net = await makeNet(forward, weights);
  });
  after(async () => {
    await net?.close();
  });

  for (const kind of ['interpreter', 'planned'] as const) {
    it(`returns them in the order of the indices: ${kind}`, async () => {
      if (kind === 'planned') assert.equal((await planNet(net, { forward }, 'untuned')).kind, kind);
      for (const images of [1, 2, 5]) {
        using input = syntheticImages([images, 16, side, side]);
        const all = await dataOf(await net.call<Tensor[]>('forward', input));
        assert.equal(all.length, 4);
        for (const selected of [[0], [1], [3], [2, 0], [3, 1, 2], [1, 1]]) {
          const some = await dataOf(await net.invokeOutputs('forward', input, selected));
          assert.deepEqual(
            some,
            selected.map((index) => all[index]),
          );
        }
      }
    });

    it(`rejects an index that does not exist: ${kind}`, async () => {
      using input = syntheticImages([1, 16, side, side]);
      await assert.rejects(
        net.invokeOutputs('forward', input, [1, 4]),
        (error: Error) => error instanceof ScriptError && error.message.includes('none at index 4'),
      );
    });
  }
});
