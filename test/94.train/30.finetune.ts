import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Classifier } from '../../src/classify';
import { openDataset } from '../../src/dataset';
import { DatasetError, ModelError, OptionError, TrainingError } from '../../src/errors';
import { hub } from '../../src/hub';
import { ModelSlot } from '../../src/slot';
import { finetune, type EpochResult, type FinetuneOptions } from '../../src/train';
import { colors, saveColor, saveColorModel } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { pythonCommand, pythonLacks } from '../support/python';
import { temporaryDirectory } from '../support/temporary';

describe('finetune', function () {
  this.timeout(240_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const environment = { ...process.env };

  beforeEach(async () => {
    process.env.SEMISUP_LIBTORCH = libTorchDirectory();
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 8; i++)
        await saveColor(path(`photos/${color}/${i}.png`), color, 120 + 16 * i);
    }
  });
  afterEach(() => {
    process.env = { ...environment };
  });

  const run = async (options: Partial<FinetuneOptions> = {}, dataset = path('photos')) =>
    await finetune(dataset, {
      ...{ model: path('base.pt'), out: path('colors.pt') },
      ...{ epochs: 4, batchSize: 6, size: 32, validation: 0.25, device: 'cpu' },
      ...options,
    });
  const fails = async (
    options: Partial<FinetuneOptions>,
    type: new (...args: never[]) => Error,
    code: string,
    message: RegExp,
    dataset?: string,
  ) => {
    await assert.rejects(run(options, dataset), (error: Error & { code?: string }) => {
      assert.ok(error instanceof type, error.stack);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  };

  it('writes the best epoch as a model of the classes', async () => {
    const heard: EpochResult[] = [];
    const { metadata, ...trained } = await run({ onEpoch: (result) => heard.push(result) });
    assert.equal(trained.path, path('colors.pt'));
    assert.deepEqual(metadata.labels, ['blue', 'green', 'red']);
    assert.deepEqual(
      [metadata.name, metadata.architecture, metadata.head, metadata.numClasses],
      ['colors', 'resnet18', 'trained', 3],
    );
    assert.deepEqual([metadata.transform.crop, metadata.transform.resize], [32, 36]);
    assert.deepEqual(trained.epochs, heard);
    assert.equal(trained.completed, true);
    assert.deepEqual(
      heard.map(({ epoch }) => epoch),
      [1, 2, 3, 4],
    );
    assert.ok(heard.at(-1)!.loss < heard[0]!.loss);
    const accuracies = heard.map(({ validation }) => validation!.top1);
    const best = heard[trained.bestEpoch - 1]!.validation!;
    assert.equal(best.top1, Math.max(...accuracies));
    assert.equal(best.top1, 1);
    assert.deepEqual([trained.evaluation!.top1.correct, trained.evaluation!.top1.total], [6, 6]);
    assert.ok(Math.abs(trained.evaluation!.nll - best.nll) < 1e-4);
    await using model = await Classifier.open(path('colors.pt'), { plan: 'untuned' });
    for (const color of colors) {
      const [answer] = await model.classify(await saveColor(path(`new-${color}.png`), color, 200));
      assert.equal(answer!.label, color);
    }
  });

  it('is opened by a ModelSlot, and by Python, with the same logits', async function () {
    await run({ epochs: 1 });
    await using model = await Classifier.open(path('colors.pt'), { plan: 'untuned' });
    const photos = colors.map((color) => path(`photos/${color}/3.png`));
    const logits = await (await model.logits(photos)).data();
    const assertNear = (found: ArrayLike<number>) => {
      const scale = Math.max(...logits.map(Math.abs));
      for (const [i, logit] of logits.entries()) {
        assert.ok(Math.abs(found[i]! - logit) <= 1e-4 * scale, `${found[i]} for ${logit}`);
      }
    };
    await using slot = await ModelSlot.open(path('colors.pt'), { plan: 'untuned' });
    assertNear(await (await slot.logits(photos)).data());
    const problem = pythonLacks(['torch', 'PIL', 'numpy', 'safetensors']);
    if (problem !== undefined) {
      this.test!.title += ` (skipped in part: ${problem})`;
      return;
    }
    const script = join(__dirname, 'read-run.py');
    const args = [script, path('colors.pt'), path('colors.pt.run')];
    const { stdout, stderr } = spawnSync(pythonCommand, args, { encoding: 'utf8' });
    assert.equal(stderr, '');
    const read = JSON.parse(stdout) as { same: boolean; epochs: number; momentum: number[] };
    assert.deepEqual(read, { same: true, epochs: 1, momentum: [3, 512] });
  });

  it('loads the best weights with hub.load', async () => {
    await run({ epochs: 1, out: path('a.pt') });
    process.env.TORCH_HOME = path('torch');
    process.env.XDG_CACHE_HOME = path('cache');
    await using direct = await Classifier.open(path('a.pt'), { plan: 'untuned' });
    const weights = path('a.pt.run/best.safetensors');
    await using loaded = await hub.load('resnet18_swsl', { weights, plan: 'untuned', size: 32 });
    const [a, b] = await Promise.all(
      [direct, loaded].map(async (model) => (await model.logits(path('photos/red/0.png'))).data()),
    );
    assert.deepEqual(a, b);
  });

  it('keeps the last layer of a model with the same classes', async () => {
    await run();
    const { epochs } = await run({ model: path('colors.pt'), out: path('more.pt'), lr: 1e-6 });
    assert.equal(epochs[0]!.validation!.top1, 1);
  });

  it('returns a run that is complete, and refuses one with other options', async () => {
    const first = await run({ epochs: 2 });
    const content = await readFile(path('colors.pt'));
    await rm(path('colors.pt'));
    const again = await run({ epochs: 2, onEpoch: () => assert.fail('an epoch was trained') });
    assert.deepEqual(again.epochs, first.epochs);
    assert.deepEqual(await readFile(path('colors.pt')), content);
    await fails(
      { epochs: 2, lr: 0.02 },
      TrainingError,
      'ERR_SEMISUP_TRAINING_RUN',
      /last\.safetensors belongs to another run: lr was 0\.01, and is now 0\.02\. Pass the same/,
    );
    await saveColor(path('photos/red/9.png'), 'red', 77);
    await fails({ epochs: 2 }, TrainingError, 'ERR_SEMISUP_TRAINING_RUN', /training was ".*now "/);
  });

  it('depends on the seed alone', async () => {
    const stateOf = async (name: string) => await readFile(path(`${name}.run/best.safetensors`));
    const options = { epochs: 1, mixup: 1, augment: { randAugment: {} } };
    await run({ ...options, out: path('a.pt') });
    await run({ ...options, out: path('b.pt'), cacheBytes: 0 });
    await run({ ...options, out: path('c.pt'), seed: 1 });
    assert.deepEqual(await stateOf('a.pt'), await stateOf('b.pt'));
    assert.notDeepEqual(await stateOf('a.pt'), await stateOf('c.pt'));
  });

  it('ends with the best model so far when it is aborted', async () => {
    const controller = new AbortController();
    const trained = await run({
      signal: controller.signal,
      onProgress: ({ phase, epoch, done }) => {
        if (phase === 'train' && epoch === 3 && done > 0) controller.abort();
      },
    });
    assert.deepEqual([trained.completed, trained.epochs.length], [false, 2]);
    assert.equal(trained.evaluation, undefined);
    await (await Classifier.open(path('colors.pt'), { plan: 'untuned' })).close();
    const resumed = await run();
    assert.deepEqual([resumed.completed, resumed.epochs.length], [true, 4]);
    assert.deepEqual(resumed.epochs.slice(0, 2), trained.epochs);
  });

  it('is rejected with the reason if it is aborted before the end of the first epoch', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    await assert.rejects(
      run({
        signal: controller.signal,
        onProgress: ({ phase }) => {
          if (phase === 'train') controller.abort(reason);
        },
      }),
      reason,
    );
    assert.equal(existsSync(path('colors.pt.run')), false);
  });

  for (const [name, options] of Object.entries<Partial<FinetuneOptions>>({
    'the last layer alone': { trainable: 'head', lr: 1e-3 },
    'the last stage': { trainable: 'last-stage' },
    'AdamW, with a schedule of steps': {
      optimizer: 'adamw',
      lr: 1e-3,
      schedule: { milestones: [2, 3] },
      warmupEpochs: 0.5,
    },
    'a moving average, with all regularization': {
      ...{ ema: 0.5, labelSmoothing: 0.1, mixup: 0.2, cutmix: 1, clipNorm: 1 },
      ...{ layerDecay: 0.8, accumulate: 2, sampling: 'balanced' },
      augment: {
        crop: { scale: [0.5, 1] },
        colorJitter: { brightness: 0.2 },
        randAugment: { numOps: 1 },
      },
    },
    'frozen statistics, without validation': { freezeBatchNorm: true, validation: 0, lr: 1e-3 },
  })) {
    it(`trains ${name}`, async () => {
      const { epochs, bestEpoch, evaluation } = await run({ ...options, epochs: 2 });
      assert.equal(epochs.length, 2);
      for (const { loss } of epochs) assert.ok(loss > 0 && loss < 6, `the loss is ${loss}`);
      if (options.validation === 0) {
        assert.deepEqual([epochs[0]!.validation, bestEpoch, evaluation], [undefined, 2, undefined]);
        return;
      }
      // What was written is what was judged: with a moving average, the average.
      const { nll } = epochs[bestEpoch - 1]!.validation!;
      assert.ok(Math.abs(evaluation!.nll / nll - 1) < 1e-4, `${evaluation!.nll} and ${nll}`);
    });
  }

  it('trains in bfloat16', async function () {
    try {
      const { epochs } = await run({ precision: 'bfloat16' });
      const exact = await run({ out: path('exact.pt') });
      assert.notEqual(epochs[0]!.loss, exact.epochs[0]!.loss);
      assert.ok(Math.abs(epochs[0]!.loss / exact.epochs[0]!.loss - 1) < 0.05);
      assert.equal(epochs.at(-1)!.validation!.top1, 1);
    } catch (error) {
      const { code, message } = error as OptionError;
      if (code !== 'ERR_SEMISUP_OPTION_VALUE') throw error;
      this.test!.title += ` (skipped: ${message})`;
      this.skip();
    }
  });

  it('trains from scratch', async () => {
    const options = { model: 'resnet18', epochs: 1, validation: 0 };
    const { metadata } = await run(options);
    assert.deepEqual(
      [metadata.architecture, metadata.source, metadata.license, metadata.head],
      ['resnet18', null, null, 'trained'],
    );
    await run({ ...options, out: path('more.pt'), model: path('colors.pt') });
    await using model = await Classifier.open(path('more.pt'), { plan: 'untuned' });
    assert.equal(model.metadata.source, null);
  });

  it('trains no other layers than those it should', async () => {
    await run({ trainable: 'head', epochs: 1, validation: 0 });
    await using base = await Classifier.open(path('base.pt'), { plan: 'untuned', size: 32 });
    await using trained = await Classifier.open(path('colors.pt'), { plan: 'untuned' });
    const photo = path('photos/red/0.png');
    assert.deepEqual(await trained.embed(photo), await base.embed(photo));
  });

  it('validates with a dataset of its own', async () => {
    for (const color of colors) await saveColor(path(`val/${color}/x.png`), color, 130);
    const validation = await openDataset(path('val'));
    const { evaluation } = await run({ validation, epochs: 1 });
    assert.equal(evaluation!.top1.total, 3);
    await saveColor(path('val/pink/x.png'), 'red', 1);
    await fails(
      { validation: await openDataset(path('val')), out: path('b.pt') },
      DatasetError,
      'ERR_SEMISUP_DATASET_LABEL',
      /The label 'pink' of pink\/x\.png in .*val is no class of the training images\./,
    );
  });

  it('lists images that cannot be read, and trains on the others', async () => {
    await writeFile(path('photos/red/broken.png'), 'no image');
    await cp(path('photos/red/1.png'), path('photos/red/truncated.png'));
    await truncate(path('photos/red/truncated.png'), 60);
    const { evaluation } = await run({ epochs: 1 });
    const names = evaluation!.unreadable.map(({ name }) => name).toSorted();
    assert.deepEqual(names, ['red/broken.png', 'red/truncated.png']);
  });

  it('stops if the loss is not finite, and writes no state with such weights', async () => {
    await fails(
      { lr: 1000, epochs: 30, freezeBatchNorm: true },
      TrainingError,
      'ERR_SEMISUP_TRAINING_DIVERGED',
      /(The loss|The norm of the gradients) of step \d+ of epoch \d+ is (NaN|Infinity): the training diverged at a learning rate of \d+.*\. Lower lr/,
    );
    assert.equal(existsSync(path('colors.pt.run')), false);
  });

  it('refuses what it cannot learn from', async () => {
    await saveColor(path('photos/pale/0.png'), 'red', 60);
    await fails({}, DatasetError, 'ERR_SEMISUP_DATASET_CLASSES', /'pale' has 1\. Add images/);
    await writeFile(path('photos/pale/1.png'), 'no image');
    const message =
      /'pale' has 1\. Of 1 images that cannot be read, the first is pale\/1\.png: .*\. Add images/;
    await fails({}, DatasetError, 'ERR_SEMISUP_DATASET_CLASSES', message);
    await rm(path('photos/pale'), { recursive: true });
    await cp(path('photos/red/0.png'), path('photos/blue/copy.png'));
    await fails({}, DatasetError, 'ERR_SEMISUP_DATASET_CONTRADICTION', /identical images have two/);
  });

  it('refuses models and files that it cannot use', async () => {
    await saveColorModel(path('own.pt'));
    const unknown = 'ERR_SEMISUP_MODEL_UNKNOWN';
    const untrainable = 'ERR_SEMISUP_TRAINING_MODULE';
    await fails({ model: path('own.pt') }, TrainingError, untrainable, /has no parameters/);
    await fails({ model: 'resnet9' }, ModelError, unknown, /resnet9/);
    await fails(
      { out: path('missing/colors.pt') },
      ModelError,
      'ERR_SEMISUP_MODEL_WRITE',
      /missing/,
    );
    await fails({ out: path('photos') }, ModelError, 'ERR_SEMISUP_MODEL_WRITE', /not a file/);
    await fails(
      { runDir: path('base.pt/run') },
      TrainingError,
      'ERR_SEMISUP_TRAINING_WRITE',
      /base\.pt\/run could not be written: /,
    );
    await run({ epochs: 1 });
    await truncate(path('colors.pt.run/last.safetensors'), 1000);
    await fails(
      { epochs: 1 },
      TrainingError,
      'ERR_SEMISUP_TRAINING_RUN',
      /cannot be resumed from .*last\.safetensors.* Remove the file to start again\./,
    );
  });

  const invalid: [Partial<FinetuneOptions>, RegExp][] = [
    [{ epochs: 0 }, /Expected an integer from 1 for epochs/],
    [{ batchSize: 1 }, /Expected an integer from 2 for batchSize/],
    [{ lr: -1 }, /Expected a number from 0 to 1000 for lr/],
    [{ optimizer: 'adam' as 'adamw' }, /Expected 'sgd' or 'adamw' for optimizer/],
    [{ validation: 1 }, /Expected a dataset, or a share from 0 to below 1 for validation/],
    [{ schedule: 'linear' as 'cosine' }, /for schedule/],
    [{ schedule: { milestones: [1], gama: 1 } as never }, /gama.*Did you mean 'gamma'/],
    [{ trainable: 'none' as 'all' }, /Expected 'head' or 'last-stage' or 'all' for trainable/],
    [{ epoch: 3 } as never, /epoch.*Did you mean 'epochs'/],
    [{ augment: { flip: 2 } }, /augment\.flip/],
    [{ seed: 0.5 }, /for seed/],
  ];
  for (const [options, message] of invalid) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      await assert.rejects(run(options), (error: Error) => {
        assert.ok(error instanceof OptionError, error.stack);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
