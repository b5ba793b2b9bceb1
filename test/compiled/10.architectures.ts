import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Classifier, OptionError } from '../../src';
import { cards } from '../../src/models';
import { selectChoices } from '../support/algorithms';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';
import { temporaryTuningCache } from '../support/plans';

// Of the paper's models.
const architectures = cards
  .filter(({ name }) => name.endsWith('_swsl'))
  .map(({ architecture }) => architecture);

const images = [1, 2, 3, 4, 5].map((side) => noise(200 + 30 * side, 300, 3));

// Every architecture of the hub, which takes about half an hour and up to 4 GB of memory: test/82.compiled has small
// networks of other families.
describe('compiled models of the hub', function () {
  this.timeout(1_800_000);
  const cache = temporaryTuningCache();
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-compiled-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  for (const architecture of architectures) {
    for (const precision of ['float32', 'bfloat16', 'int8'] as const) {
      it(`compute exactly what the plan computes: ${architecture} in ${precision}`, async function () {
        const torchScript = join(directory, 'model.pt');
        await saveGeneratedModel(torchScript, architecture);
        const open = () => Classifier.open(torchScript, { precision });
        let file: string;
        try {
          await using tuned = await open();
          await tuned.embed(images[0]!);
          file = await tuned.compile(join(directory, 'model.semisup'));
        } catch (error) {
          if (!(error instanceof OptionError)) throw error;
          this.test!.title += ' (skipped: this processor lacks it)';
          this.skip();
        }
        await using compiled = await Classifier.open(file);
        await selectChoices(cache.path, compiled.plan.choices!);
        await using model = await open();
        assert.match(model.plan.reason, /^The tuning was read from the cache/);
        for (const count of [1, 2, 5]) {
          const some = images.slice(0, count);
          assert.deepEqual(
            await (await compiled.logits(some)).data(),
            await (await model.logits(some)).data(),
          );
          assert.deepEqual(await compiled.embed(some), await model.embed(some));
        }
        const [before, after] = await Promise.all([stat(torchScript), stat(file)]);
        const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
        this.test!.title += ` (${megabytes(after.size)} MB, TorchScript ${megabytes(before.size)})`;
      });
    }
  }
});
