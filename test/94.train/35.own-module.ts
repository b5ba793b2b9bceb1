import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Classifier } from '../../src/classify';
import { TrainingError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import { finetune, type FinetunedModel, type FinetuneOptions } from '../../src/train';
import { groupParameters } from '../../src/train/parameter-groups';
import { colors, saveColor } from '../support/color-model';
import { uniform } from '../support/generated-checkpoint';
import { libTorchDirectory } from '../support/libtorch-directory';
import { temporaryDirectory } from '../support/temporary';

/** A module that modules/make-modules.py wrote. */
const moduleFile = (name: string) => join(__dirname, 'modules', `${name}.pt`);

describe('fine-tuning a module of the user’s own', function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const environment = { ...process.env };

  beforeEach(async () => {
    process.env.SEMISUP_LIBTORCH = libTorchDirectory();
    for (const color of colors) {
      for (let i = 0; i < 8; i++)
        await saveColor(path(`photos/${color}/${i}.png`), color, 120 + 16 * i);
    }
  });
  afterEach(() => {
    process.env = { ...environment };
  });

  const run = async (name: string, options: Partial<FinetuneOptions> = {}) =>
    await finetune(path('photos'), {
      ...{ model: moduleFile(name), out: path('colors.pt'), size: 16, device: 'cpu' },
      ...{ epochs: 4, batchSize: 6, lr: 0.1, validation: 0.25 },
      ...options,
    });
  const fails = async (
    name: string,
    message: RegExp,
    options?: Partial<FinetuneOptions>,
  ): Promise<void> => {
    await assert.rejects(run(name, options), (error: Error) => {
      assert.ok(error instanceof TrainingError, error.stack);
      assert.equal(error.code, 'ERR_SEMISUP_TRAINING_MODULE');
      assert.match(error.message, message);
      return true;
    });
  };
  const assertLearned = async ({ epochs, bestEpoch, evaluation }: FinetunedModel) => {
    assert.ok(epochs.at(-1)!.loss < epochs[0]!.loss);
    const best = epochs[bestEpoch - 1]!.validation!;
    assert.equal(best.top1, 1);
    // What was written is what was judged.
    assert.ok(Math.abs(evaluation!.nll - best.nll) < 1e-4, `${evaluation!.nll}, ${best.nll}`);
    await using model = await Classifier.open(path('colors.pt'), { plan: 'untuned' });
    for (const color of colors) {
      const [answer] = await model.classify(await saveColor(path(`new-${color}.png`), color, 200));
      assert.equal(answer!.label, color);
    }
  };

  const { scripted, shared } = JSON.parse(
    readFileSync(join(__dirname, 'modules', 'losses.json'), 'utf8'),
  ) as Record<'scripted' | 'shared', number[]>;
  for (const [name, losses] of Object.entries({ scripted, shared })) {
    it(`takes the steps of PyTorch: ${name}.pt`, async () => {
      await using module = await ScriptModule.load(moduleFile(name), { device: 'cpu' });
      const parameters = Object.entries(await module.parameters());
      const shapes = new Map(parameters.map(([key, { shape }]) => [key, shape]));
      const trainer = await module.trainer({
        optimizer: { name: 'sgd', momentum: 0.9, nesterov: true },
        groups: groupParameters(shapes, { trainable: 'all', weightDecay: 1e-2, layerDecay: 1 }),
        ...{ evalModules: [], labelSmoothing: 0, clipNorm: 0, emaDecay: 0, autocast: false },
      });
      const targets = Tensor.from(BigInt64Array.of(0n, 1n, 2n, 0n, 1n, 2n), [6]);
      for (const [step, expected] of losses.entries()) {
        const images = Tensor.from(uniform(2000 + step, 6 * 3 * 16 * 16, 0, 1), [6, 3, 16, 16]);
        const settings = { lr: 0.1, seed: step, lossScale: 1, updates: true };
        const { loss } = await trainer.step(images, targets, settings);
        assert.ok(
          Math.abs(loss / expected - 1) < 1e-4,
          `${loss} instead of ${expected} in ${step}`,
        );
      }
    });
  }

  for (const name of ['scripted', 'shared']) {
    it(`writes the module with the best weights: ${name}.pt`, async () => {
      const trained = await run(name, { epochs: 12 });
      const { labels, architecture, head, numClasses, transform } = trained.metadata;
      assert.deepEqual(labels, ['blue', 'green', 'red']);
      assert.deepEqual([architecture, head, numClasses], [null, null, 3]);
      assert.deepEqual([transform.crop, transform.resize], [16, 18]);
      await assertLearned(trained);
    });
  }

  it('keeps the transform and the license of the file', async () => {
    const { metadata } = await run('described', { size: undefined, epochs: 1 });
    assert.deepEqual(
      [metadata.name, metadata.license?.name, metadata.transform.resize, metadata.transform.crop],
      ['colors', 'MIT', 20, 16],
    );
    assert.deepEqual(metadata.transform.std, [0.25, 0.25, 0.25]);
  });

  it('trains the last layer alone, with a moving average', async () => {
    await run('scripted', { trainable: 'head', ema: 0.5, epochs: 1 });
    await using before = await ScriptModule.load(moduleFile('scripted'), { device: 'cpu' });
    await using after = await ScriptModule.load(path('colors.pt'), { device: 'cpu' });
    const [old, now] = [await before.stateDict(), await after.stateDict()];
    assert.deepEqual(Object.keys(now), Object.keys(old));
    for (const [name, tensor] of Object.entries(old)) {
      const [a, b] = [await tensor.data(), await now[name]!.data()];
      if (name.startsWith('classifier.')) assert.notDeepEqual(a, b);
      else assert.deepEqual(a, b, name);
    }
  });

  it('goes on with a run that was interrupted', async () => {
    const whole = await run('scripted');
    const content = await readFile(path('colors.pt'));
    const out = path('resumed.pt');
    const controller = new AbortController();
    const interrupted = await run('scripted', {
      ...{ out, signal: controller.signal },
      onEpoch: ({ epoch }) => {
        if (epoch === 2) controller.abort();
      },
    });
    assert.deepEqual([interrupted.completed, interrupted.epochs.length], [false, 2]);
    const resumed = await run('scripted', { out });
    assert.deepEqual(resumed.epochs, whole.epochs);
    await using a = await ScriptModule.load(path('colors.pt'), { device: 'cpu' });
    await using b = await ScriptModule.load(out, { device: 'cpu' });
    const values = async (module: ScriptModule) =>
      await Promise.all(Object.values(await module.stateDict()).map((tensor) => tensor.data()));
    assert.deepEqual(await values(a), await values(b));
    await run('scripted', { onEpoch: () => assert.fail('an epoch was trained') });
    assert.deepEqual(await readFile(path('colors.pt')), content);
    await assert.rejects(run('shared'), { code: 'ERR_SEMISUP_TRAINING_RUN' });
  });

  it('refuses a module with another number of logits', async () => {
    await saveColor(path('photos/pale/0.png'), 'red', 60);
    await saveColor(path('photos/pale/1.png'), 'red', 61);
    await fails(
      'scripted',
      /Expected 4 logits for the 4 classes of the dataset, but '.*scripted\.pt' returns 3\. Replace its last layer by one of 4 outputs in Python/,
    );
  });

  it('refuses a module that fails on images of this size, or does not return logits', async () => {
    await fails(
      'one-size',
      /one-size\.pt' failed on images of 32 x 32 pixels: RuntimeError: .*shapes.* Pass the side of its input as `size`\.$/,
      { size: 32 },
    );
    await fails('traced-batch', /does not return logits \[n, classes\] for n images\./);
    await fails('pair', /does not return logits/);
  });

  it('refuses a module that train() does not change', async () => {
    await fails('frozen', /no parameters: .* torch\.jit\.freeze/);
    await fails(
      'traced',
      /train\(\) and eval\(\) do not change the batch_norm of 'norm', which was traced in eval mode\. .*torch\.jit\.script\./,
    );
    await fails('traced-dropout', /the dropout, which was traced in eval mode\./);
    const training = /the batch_norm of 'norm', which was traced in training mode\./;
    await fails('traced-training', training);
    await fails('traced-training', training, { freezeBatchNorm: true });
  });

  it('trains a module that was traced in eval mode, with its statistics', async () => {
    await assertLearned(await run('traced', { freezeBatchNorm: true, epochs: 12 }));
  });

  it('names the parameters that the logits do not depend on', async () => {
    await fails(
      'unused',
      /do not depend on the parameters auxiliary\.weight, auxiliary\.bias: forward\(\) does not use them, or detaches them\./,
    );
    await fails('detached', /parameters conv\.weight, conv\.bias, norm\.weight, norm\.bias: /);
    await run('detached', { trainable: 'head', epochs: 1, out: path('head.pt') });
    await fails('unused', /The logits do not depend on the parameters/, { trainable: 'head' });
  });
});
