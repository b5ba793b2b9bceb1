import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { Classifier } from '../../src/classify';
import { openDataset } from '../../src/dataset';
import { DatasetError, EmbeddingsError, ModelError, OptionError } from '../../src/errors';
import { ModelSlot } from '../../src/slot';
import { ScriptModule } from '../../src/torch';
import { teach, type TeachOptions } from '../../src/teach';
import { Child } from '../support/child';
import { colors, saveColor, saveColorModel, type Color } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { pythonCommand, pythonLacks } from '../support/python';
import { temporaryDirectory } from '../support/temporary';

describe('teach', function () {
  this.timeout(240_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const cache = () => path('cache/semisup/embeddings');
  const environment = { ...process.env };

  beforeEach(async () => {
    process.env.SEMISUP_LIBTORCH = libTorchDirectory();
    process.env.XDG_CACHE_HOME = path('cache');
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 8; i++)
        await saveColor(path(`photos/${color}/${i}.png`), color, 120 + 16 * i);
    }
  });
  afterEach(() => {
    process.env = { ...environment };
  });

  const run = async (options: Partial<TeachOptions> = {}, dataset = path('photos')) =>
    await teach(dataset, {
      ...{ model: path('base.pt'), out: path('colors.pt'), plan: 'untuned' },
      ...options,
    });

  /** The last layer; the rest of the file contains its name. */
  const contentOf = async (file: string) => {
    await using module = await ScriptModule.load(file, { device: 'cpu' });
    const { 'fc.weight': weight, 'fc.bias': bias } = await module.parameters();
    const arrays = [await weight!.data(), await bias!.data()] as Float32Array[];
    return Buffer.concat(arrays.map(({ buffer }) => Buffer.from(buffer as ArrayBuffer)));
  };

  const colorOf = async (model: Pick<Classifier, 'classify'>, color: Color) => {
    const [best] = await model.classify(await saveColor(path(`new-${color}.png`), color, 200));
    return best!;
  };

  it('writes a model of the classes, which are the names of the directories', async () => {
    const { metadata, evaluation, embedded, ...taught } = await run();
    assert.equal(taught.path, path('colors.pt'));
    assert.equal(embedded, 24);
    assert.deepEqual(metadata.labels, ['blue', 'green', 'red']);
    assert.deepEqual(
      [metadata.name, metadata.architecture, metadata.head, metadata.numClasses],
      ['colors', 'resnet18', 'trained', 3],
    );
    assert.deepEqual(metadata.source, { file: 'generated', sha256: '0'.repeat(64) });
    assert.deepEqual([evaluation.top1.correct, evaluation.top1.total], [24, 24]);
    assert.deepEqual(taught.labelIssues, []);
    const nlls = taught.regularizations.map(({ nll }) => nll);
    const selected = taught.regularizations.find(({ c }) => c === taught.c)!;
    assert.equal(selected.nll, Math.min(...nlls));
    await using model = await Classifier.open(path('colors.pt'), { plan: 'untuned' });
    for (const color of colors) assert.equal((await colorOf(model, color)).label, color);
  });

  it('is opened by a ModelSlot, compiled, and by Python, with the same logits', async function () {
    await run();
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
    await model.compile(path('colors.semisup'));
    await using compiled = await Classifier.open(path('colors.semisup'));
    assert.deepEqual(compiled.metadata.labels, ['blue', 'green', 'red']);
    assertNear(await (await compiled.logits(photos)).data());
    const problem = pythonLacks(['torch', 'PIL', 'numpy']);
    if (problem !== undefined) {
      this.test!.title += ` (skipped in part: ${problem})`;
      return;
    }
    const script = join(__dirname, 'fixtures', 'logits.py');
    const { stdout, stderr } = spawnSync(pythonCommand, [script, path('colors.pt'), ...photos], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    assertNear((JSON.parse(stdout) as number[][]).flat());
  });

  it('is a base model itself', async () => {
    await run();
    await run({ model: path('colors.pt'), out: path('again.pt') });
    assert.deepEqual(await readFile(path('again.pt')).then(({ length }) => length > 0), true);
    await using model = await Classifier.open(path('again.pt'), { plan: 'untuned' });
    assert.equal((await colorOf(model, 'red')).label, 'red');
  });

  it('writes the same file again, without embedding any image', async () => {
    await run();
    const first = await readFile(path('colors.pt'));
    const { embedded } = await run();
    assert.equal(embedded, 0);
    assert.ok(first.equals(await readFile(path('colors.pt'))));
  });

  it('embeds only images with a new content, also under other names', async () => {
    await run();
    await cp(path('photos'), path('moved'), { recursive: true });
    await cp(path('photos/red/0.png'), path('moved/red/copy.png'));
    await saveColor(path('moved/red/new.png'), 'red', 70);
    const { embedded, evaluation } = await run({}, path('moved'));
    assert.deepEqual([embedded, evaluation.results.length], [1, 26]);
    assert.equal((await run({ size: 96 }, path('moved'))).embedded, 25);
  });

  it('opens lists and archives, whose labels are the classes', async () => {
    const names = colors.flatMap((color) => [0, 1, 2].map((i) => `photos/${color}/${i}.png`));
    const labels = names.map((name) => `${name}\t${name.includes('red') ? 'warm color' : 'cold'}`);
    await writeFile(path('list.txt'), labels.join('\n'));
    const { metadata } = await run({}, path('list.txt'));
    assert.deepEqual(metadata.labels, ['cold', 'warm color']);
    await create({ file: path('photos.tar'), cwd: directory.path }, ['photos']);
    const archived = await run({}, path('photos.tar'));
    assert.deepEqual(archived.metadata.labels, ['blue', 'green', 'red']);
    assert.equal(archived.embedded, 24 - names.length);
  });

  it('lists images that cannot be read or have no label, and leaves them out', async () => {
    await truncate(path('photos/red/0.png'), 60);
    await writeFile(path('photos/n.png'), await readFile(path('photos/red/1.png')));
    const { evaluation } = await run();
    assert.deepEqual(
      evaluation.unreadable.map(({ name, code }) => [name, code]),
      [['red/0.png', 'ERR_SEMISUP_IMAGE_DECODE']],
    );
    assert.match(evaluation.unreadable[0]!.message, /red\/0\.png/);
    assert.deepEqual([evaluation.unlabeled, evaluation.results.length], [['n.png'], 23]);
  });

  it('finds a wrong label', async () => {
    await saveColor(path('photos/red/wrong.png'), 'blue', 202);
    const { labelIssues, evaluation } = await run({ c: 1 });
    assert.deepEqual(
      labelIssues.map(({ name, label, suggested }) => [name, label, suggested]),
      [['red/wrong.png', 'red', 'blue']],
    );
    assert.deepEqual(evaluation.confusions[0]?.images, ['red/wrong.png']);
  });

  it('reports its phases', async () => {
    const phases = new Map<string, number>();
    await run({ onProgress: ({ phase, done }) => phases.set(phase, done) });
    assert.deepEqual([...phases.keys()], ['read', 'embed', 'solve']);
    assert.deepEqual([phases.get('read'), phases.get('embed')], [24, 24]);
  });

  for (const phase of ['read', 'embed', 'solve'] as const) {
    it(`is aborted in the phase '${phase}', and keeps the embeddings`, async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const teaching = run({
        signal: controller.signal,
        onProgress: (progress) => {
          if (progress.phase === phase) controller.abort(reason);
        },
      });
      await assert.rejects(teaching, (error) => error === reason);
      await assert.rejects(stat(path('colors.pt')), { code: 'ENOENT' });
      const { embedded } = await run();
      assert.equal(embedded, { read: 24, embed: 8, solve: 0 }[phase]);
    });
  }

  it('writes the same file, if it was killed before', async () => {
    const args = [path('photos'), path('base.pt')];
    await new Child('teach.ts', [...args, path('whole.pt')]).ends();
    await rm(cache(), { recursive: true });
    const child = new Child('teach.ts', [...args, path('killed.pt')]);
    await child.says('embed 16');
    await child.kill();
    assert.ok(!(await readdir(directory.path)).includes('killed.pt'));
    const resumed = await new Child('teach.ts', [...args, path('killed.pt')]).ends();
    assert.match(resumed, /\nembed 8\n/);
    assert.doesNotMatch(resumed, /\nembed 16\n/);
    const [killed, whole] = await Promise.all(
      ['killed.pt', 'whole.pt'].map((name) => contentOf(path(name))),
    );
    assert.ok(killed!.equals(whole!));
  });

  describe('rejects', () => {
    const isError =
      (type: new (...args: never[]) => Error, code: string, message: RegExp) =>
      (error: unknown) => {
        assert.ok(error instanceof type, String(error));
        assert.equal((error as { code?: string }).code, `ERR_SEMISUP_${code}`);
        assert.match(error.message, message);
        return true;
      };

    it('an empty directory of a class', async () => {
      await mkdir(path('photos/yellow'));
      const expected = isError(DatasetError, 'DATASET_CLASSES', /none in 'yellow'\. /);
      await assert.rejects(run(), expected);
    });

    it('one image in two classes', async () => {
      await cp(path('photos/red/0.png'), path('photos/blue/copy.png'));
      const pair = /blue\/copy\.png \('blue'\) and red\/0\.png \('red'\)/;
      await assert.rejects(run(), isError(DatasetError, 'DATASET_CONTRADICTION', pair));
    });

    it('a class of which too few images can be read', async () => {
      await saveColor(path('photos/pale/0.png'), 'red', 60);
      await saveColor(path('photos/pale/1.png'), 'red', 61);
      await truncate(path('photos/pale/1.png'), 60);
      const expected = isError(DatasetError, 'DATASET_CLASSES', /but 'pale' has 1\. /);
      await assert.rejects(run(), expected);
      await truncate(path('photos/pale/0.png'), 59);
      const none = isError(DatasetError, 'DATASET_CLASSES', /but 'pale' has 0\. /);
      await assert.rejects(run(), none);
      await writeFile(
        path('list.txt'),
        'photos/red/0.png red\nphotos/red/1.png red\ngone.png blue',
      );
      const missing = isError(DatasetError, 'DATASET_CLASSES', /but 'blue' has 0\. /);
      await assert.rejects(run({}, path('list.txt')), missing);
    });

    it('a file that cannot be written, before it reads the images', async () => {
      const dataset = await openDataset(path('photos'));
      const samples = () => assert.fail('The images were read.');
      const unread = { ...dataset, name: 'photos', samples };
      const options = { model: path('base.pt'), plan: 'untuned' } as const;
      await assert.rejects(
        teach(unread, { ...options, out: path('nowhere/colors.pt') }),
        isError(ModelError, 'MODEL_WRITE', /nowhere\/colors\.pt' could not be written/),
      );
      await assert.rejects(
        teach(unread, { ...options, out: path('photos') }),
        isError(ModelError, 'MODEL_WRITE', /It exists and is not a file/),
      );
    });

    it('models whose last layer it cannot replace', async () => {
      const colorModel = await saveColorModel(path('own.pt'));
      await assert.rejects(
        run({ model: colorModel }),
        isError(ModelError, 'MODEL_FORMAT', /own\.pt does not state its classes/),
      );
      await using base = await Classifier.open(path('base.pt'), { plan: 'untuned' });
      const compiled = await base.compile(path('base.semisup'));
      await assert.rejects(
        run({ model: compiled }),
        isError(ModelError, 'MODEL_KIND', /is a compiled model, .* Pass the name of a model/),
      );
      await assert.rejects(
        run({ model: path('missing.pt') }),
        isError(ModelError, 'MODEL_NOT_FOUND', /missing\.pt/),
      );
      await assert.rejects(
        run({ model: 'resnet50_swls' }),
        isError(ModelError, 'MODEL_UNKNOWN', /resnet50_swsl/),
      );
    });

    it('a cache that cannot be written', async () => {
      await mkdir(path('cache/semisup'), { recursive: true });
      await writeFile(cache(), '');
      await assert.rejects(run(), isError(EmbeddingsError, 'EMBEDDINGS_WRITE', /embeddings/));
    });

    for (const [name, value] of Object.entries({
      ...{ model: '', out: 1, folds: 1, seed: 0.5, c: 0, classWeight: 'none' },
      ...{ orient: 1, onProgress: 1, signal: 1, weights: '' },
    })) {
      it(`the value ${JSON.stringify(value)} of ${name}`, async () => {
        const pattern = new RegExp(`for (the )?${name}\\b`);
        await assert.rejects(run({ [name]: value }), isError(OptionError, 'OPTION_VALUE', pattern));
      });
    }

    it('unknown options', async () => {
      const expected = isError(OptionError, 'OPTION_UNKNOWN', /Did you mean 'folds'/);
      await assert.rejects(run({ fold: 3 } as object), expected);
    });
  });
});
