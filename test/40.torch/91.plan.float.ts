import { convolutions } from '../support/plan-cases';
import { assertMatchesTorchScript, temporaryTuningCache } from '../support/plans';

describe('a plan of float convolutions', function () {
  this.timeout(120_000);
  const cache = temporaryTuningCache();

  for (const [name, graph] of Object.entries(convolutions)) {
    it(`matches TorchScript: ${name}`, () => assertMatchesTorchScript(graph, cache.path));
  }
});
