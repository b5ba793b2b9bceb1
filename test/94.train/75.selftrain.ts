import assert from 'node:assert/strict';
import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Classifier } from '../../src/classify';
import { openDataset } from '../../src/dataset';
import { DatasetError, ModelError, OptionError, TrainingError } from '../../src/errors';
import { sha256File } from '../../src/net/hash';
import {
  selftrain,
  type SelftrainOptions,
  type SelftrainProgress,
  type SelftrainStep,
} from '../../src/selftrain';
import { Child } from '../support/child';
import { colors, saveColor } from '../support/color-model';
import { temporaryEnvironment } from '../support/environment';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { Random } from '../support/random';
import { temporaryDirectory } from '../support/temporary';

const kills = Number(process.env.SEMISUP_TEST_KILLS ?? 4);

describe('selftrain', function () {
  this.timeout(240_000 + 30_000 * kills);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  temporaryEnvironment(() => ({ SEMISUP_LIBTORCH: libTorchDirectory() }));

  beforeEach(async () => {
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 8; i++) {
        await saveColor(path(`labeled/${color}/${i}.png`), color, 120 + 16 * i);
        await saveColor(path(`pool/${color[0]}${i}.png`), color, 112 + 16 * i);
      }
    }
  });

  const short = { epochs: 2, batchSize: 6 };
  const run = async (options: Partial<SelftrainOptions> = {}) =>
    await selftrain(path('labeled'), {
      ...{ pool: path('pool'), teacher: path('base.pt'), student: path('base.pt') },
      ...{ out: path('student.pt'), size: 32, validation: 0.25, device: 'cpu' },
      ...{ imagesPerClass: 6, imagesPerShard: 10 },
      training: {
        teacher: { ...short, epochs: 4 },
        pretrain: { ...short, lr: 0.01 },
        finetune: { ...short, lr: 0.01, schedule: 'cosine' },
      },
      ...options,
    });
  const fails = async (
    options: Partial<SelftrainOptions>,
    type: new (...args: never[]) => Error,
    message: RegExp,
  ) => {
    await assert.rejects(run(options), (error: Error) => {
      assert.ok(error instanceof type, error.stack);
      assert.match(error.message, message);
      return true;
    });
  };
  const names = (steps: readonly SelftrainStep[]) => steps.map(({ step }) => step);
  const outputs = (steps: readonly SelftrainStep[]) =>
    Object.fromEntries(steps.map((one) => [one.step, one.outputs]));
  const all = ['teacher', 'score', 'select', 'pretrain', 'finetune'];

  it('trains a student, and says in the manifest what was done', async () => {
    const heard: SelftrainStep[] = [];
    const trained = await run({ onStep: (step) => heard.push(step) });
    assert.equal(trained.path, path('student.pt'));
    assert.equal(trained.runDir, path('student.pt.run'));
    assert.deepEqual(names(trained.steps), all);
    assert.deepEqual(heard, trained.steps);
    const manifest = JSON.parse(await readFile(path('student.pt.run/manifest.json'), 'utf8')) as {
      steps: SelftrainStep[];
    };
    assert.deepEqual(manifest.steps, JSON.parse(JSON.stringify(trained.steps)));
    for (const { outputs: written } of trained.steps) {
      for (const [name, sha256] of Object.entries(written)) {
        assert.equal(await sha256File(join(trained.runDir, name)), sha256);
      }
    }
    const [teacher, score, select, pretrained, finetuned] = trained.steps;
    assert.deepEqual(score!.inputs, { model: teacher!.outputs['teacher/teacher.pt'] });
    assert.deepEqual(Object.keys(score!.outputs), [
      ...['score/score-00000.parquet', 'score/score-00001.parquet', 'score/score-00002.parquet'],
    ]);
    assert.deepEqual(score!.result, { scored: 24, unreadable: 0 });
    assert.deepEqual(select!.inputs, score!.outputs);
    assert.deepEqual(select!.conditions, { imagesPerClass: 6, balanced: true });
    const { imagesPerClass, pairs, emptyClasses } = select!.result;
    assert.deepEqual([imagesPerClass, pairs, emptyClasses], [6, 18, []]);
    assert.deepEqual(pretrained!.inputs, {
      selection: select!.outputs['select/images.parquet'],
    });
    assert.deepEqual(finetuned!.inputs, { model: pretrained!.outputs['pretrain/student.pt'] });
    for (const { step, result } of trained.steps) {
      if (step === 'score' || step === 'select') continue;
      const { top1 } = result.validation as { top1: { correct: number; total: number } };
      assert.equal(top1.total, 6);
    }
    await using model = await Classifier.open(path('student.pt'), { plan: 'untuned' });
    for (const color of colors) {
      const [answer] = await model.classify(await saveColor(path(`new-${color}.png`), color, 200));
      assert.equal(answer!.label, color);
    }
    for (const step of ['teacher', 'pretrain', 'finetune']) {
      assert.match(
        await readFile(path(`student.pt.run/${step}/training.html`), 'utf8'),
        /<!doctype html>/,
      );
    }
  });

  it('does nothing twice, and repeats what is missing with what follows from it', async () => {
    const first = await run();
    const progress: SelftrainProgress[] = [];
    const onProgress = (one: SelftrainProgress) => progress.push(one);
    const second = await run({ onProgress });
    assert.deepEqual(outputs(second.steps), outputs(first.steps));
    const trainings = () =>
      progress.filter(({ phase }) => phase === 'train').map(({ step }) => step);
    assert.ok(progress.length > 0);
    assert.deepEqual(trainings(), []);
    await rm(path('student.pt.run/pretrain'), { recursive: true });
    progress.length = 0;
    const third = await run({ onProgress });
    assert.deepEqual(outputs(third.steps), outputs(first.steps));
    assert.deepEqual([...new Set(trainings())], ['pretrain']);
    // Under another name the student is written again, from what was trained.
    progress.length = 0;
    const other = await run({ onProgress, out: path('other.pt'), runDir: path('student.pt.run') });
    assert.equal(other.path, path('other.pt'));
    await using model = await Classifier.open(path('other.pt'), { plan: 'untuned' });
    assert.equal(model.classes.length, 3);
    assert.deepEqual(trainings(), []);
  });

  it('refuses other options and images for its directory', async () => {
    await run({ until: 'select' });
    const another = (step: string, difference: string) =>
      new RegExp(`/${step}' belongs to another run: ${difference}.* another runDir for a new run`);
    await fails(
      { imagesPerClass: 5 },
      TrainingError,
      another('select', 'imagesPerClass was 6, and is now 5'),
    );
    await fails({ seed: 1 }, TrainingError, another('teacher', 'seed was 0, and is now 1'));
    await fails({ validation: 0.5 }, TrainingError, another('teacher', 'labeled was'));
    await fails({ orient: true }, TrainingError, another('teacher', 'orient was false'));
    await appendFile(path('base.pt'), 'more');
    await fails({}, TrainingError, another('teacher', 'model was'));
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    await saveColor(path('labeled/red/more.png'), 'red', 77);
    await fails({}, TrainingError, another('teacher', 'labeled was'));
    await rm(path('labeled/red/more.png'));
    await saveColor(path('pool/zz.png'), 'red', 77);
    await fails({}, TrainingError, /the images of the pool differ/);
    await writeFile(path('student.pt.run/manifest.json'), '{}');
    await fails(
      {},
      TrainingError,
      /cannot be resumed from .*manifest\.json': it is not the manifest of a run/,
    );
  });

  it('ends after a step that is named', async () => {
    const { steps, path: file } = await run({ until: 'select' });
    assert.deepEqual(names(steps), ['teacher', 'score', 'select']);
    assert.equal(file, undefined);
    await assert.rejects(stat(path('student.pt')));
    // Labels that have become known are shown, and select the same.
    const poolLabels = new Map([['r7.png', 'blue']]);
    const showsPrecision = async () => {
      const page = await readFile(path('student.pt.run/select/selection.html'), 'utf8');
      return page.includes('<h2>Precision by rank</h2>');
    };
    assert.equal(await showsPrecision(), false);
    const known = await run({ until: 'select', poolLabels });
    assert.equal(await showsPrecision(), true);
    const images = (list: readonly SelftrainStep[]) => list[2]!.outputs['select/images.parquet'];
    assert.equal(images(known.steps), images(steps));
    const rest = await run();
    assert.deepEqual(names(rest.steps), all);
  });

  it('trains the teacher on tags first', async () => {
    const lines = [];
    for (const [i, color] of colors.entries()) {
      for (let j = 0; j < 4; j++) {
        const tags = j === 3 ? '#sunset' : `#${color}ish, #sunset #${colors[(i + 1) % 3]!}ISH`;
        lines.push(`${color[0]}${j}.png\t${tags}`);
      }
    }
    await writeFile(path('pool/tags.txt'), lines.join('\n'));
    await writeFile(path('table.txt'), '#redish red\ngreenish,green\n#blueish\tblue\n');
    const weak = { images: path('pool/tags.txt'), table: path('table.txt') };
    const pools = path('pool');
    const progress: SelftrainProgress[] = [];
    const { steps } = await run({
      ...{ weak, pool: pools, until: 'teacher' },
      training: { weak: { ...short, lr: 0.01 }, teacher: short },
      onProgress: (one) => progress.push(one),
    });
    assert.deepEqual(names(steps), ['weak', 'teacher']);
    const [first, second] = steps;
    assert.deepEqual(second!.inputs, { model: first!.outputs['weak/weak.pt'] });
    assert.equal(first!.conditions.table, await sha256File(weak.table));
    assert.deepEqual(first!.result.images, { ...(first!.result.images as object), count: 18 });
    // Nine images have two tags that stand for a class; three have none.
    const trained = progress.find(({ step, phase }) => step === 'weak' && phase === 'train');
    assert.equal(trained!.total, 18);
    await writeFile(path('table.txt'), '#redish red\ngreenish,green\n');
    await fails({ weak, until: 'teacher' }, TrainingError, /weak' belongs to another run: /);
    await writeFile(path('table.txt'), '#redish rad\n');
    await fails({ weak, out: path('b.pt') }, DatasetError, /'rad' on line 1 of .*mean 'red'\?/);
    await writeFile(path('table.txt'), '#redish\n');
    await fails({ weak, out: path('b.pt') }, DatasetError, /no tag and class on line 1/);
  });

  it('checks options before it begins', async () => {
    await fails({ imagesPerClass: 0 }, OptionError, /integer of at least 1 for imagesPerClass/);
    await fails({ until: 'train' as 'select' }, OptionError, /'finetune' for until/);
    await fails(
      { training: { teacher: { epoch: 3 } as object } },
      OptionError,
      /unknown option 'epoch'.*training\.teacher|training\.teacher.*epoch/i,
    );
    await fails({ training: { finetune: { lr: -1 } } }, OptionError, /lr/);
    await fails({ training: { pretrain: { augment: { flip: 2 } } } }, OptionError, /augment\.flip/);
    await fails({ student: 'resnet19' }, ModelError, /resnet19/);
    await fails({ student: path('nothing.pt') }, ModelError, /nothing\.pt' does not exist/);
    await fails({ balanced: 'no' as unknown as boolean }, OptionError, /balanced/);
    await fails({ poolLabels: {} as Map<string, string> }, OptionError, /poolLabels/);
    await fails({ pool: [] }, OptionError, /at least one dataset for pool/);
    await fails({ pool: [path('pool'), path('pool')] }, OptionError, /different names/);
    await fails(
      { weak: { table: path('table.txt') } as SelftrainOptions['weak'] },
      OptionError,
      /weak\.images/,
    );
    await fails(
      { until: 'weak' },
      OptionError,
      /a step after 'weak', without the option weak, for until/,
    );
    await assert.rejects(stat(path('student.pt.run')));
  });

  it('checks labels and what depends on the classes before it trains', async () => {
    const progress: SelftrainProgress[] = [];
    const onProgress = (one: SelftrainProgress) => progress.push(one);
    await fails({ classesPerImage: 4, onProgress }, OptionError, /classesPerImage/);
    await saveColor(path('val/pink/0.png'), 'red');
    const validation = await openDataset(path('val'));
    await fails(
      { validation, onProgress },
      DatasetError,
      /'pink' of .* is no class of the training images/,
    );
    assert.ok(progress.every(({ phase }) => phase === 'read'));
  });

  it('writes no student that is unfinished, and goes on', async () => {
    const controller = new AbortController();
    const onProgress = ({ step, phase, epoch }: SelftrainProgress) => {
      if (step === 'finetune' && phase === 'train' && epoch === 2) {
        controller.abort(new Error('enough'));
      }
    };
    await assert.rejects(run({ signal: controller.signal, onProgress }), /enough/);
    await assert.rejects(stat(path('student.pt')));
    const { path: file } = await run();
    assert.equal(file, path('student.pt'));
  });

  it('empties the directory of a step whose inputs changed, once', async () => {
    await run();
    const text = await readFile(path('student.pt.run/manifest.json'), 'utf8');
    const manifest = JSON.parse(text) as { steps: { step: string; inputs: object }[] };
    manifest.steps.find(({ step }) => step === 'pretrain')!.inputs = { selection: 'another' };
    await writeFile(path('student.pt.run/manifest.json'), JSON.stringify(manifest));
    const controller = new AbortController();
    const interrupted = run({
      signal: controller.signal,
      onProgress: ({ step, phase, epoch }) => {
        if (step === 'pretrain' && phase === 'train' && epoch === 2) controller.abort();
      },
    });
    await assert.rejects(interrupted, { name: 'AbortError' });
    const epochs = new Set<number | undefined>();
    await run({
      onProgress: ({ step, phase, epoch }) => {
        if (step === 'pretrain' && phase === 'train') epochs.add(epoch);
      },
    });
    assert.deepEqual([...epochs], [2]);
  });

  it('takes several pools, and images that cannot be read, and no validation', async () => {
    await saveColor(path('more/b.png'), 'blue', 90);
    await writeFile(path('more/c.png'), 'damaged');
    const { steps } = await run({
      ...{ pool: [path('pool'), path('more')], validation: 0, until: 'select' },
      imagesPerClass: undefined,
    });
    const [teacher, score, select] = steps;
    assert.deepEqual(score!.result, { scored: 25, unreadable: 1 });
    assert.equal(teacher!.result.validation, undefined);
    // 16 % of 25 images for three classes.
    assert.equal(select!.result.imagesPerClass, 1);
  });

  it(`ends with the same files as a run that was not killed, after ${kills} kills`, async () => {
    const start = (out: string) =>
      new Child('selftrain.ts', [path('labeled'), path('pool'), path('base.pt'), path(out)]);
    const hashes = async (out: string) => {
      const text = await readFile(path(`${out}.run/manifest.json`), 'utf8');
      return outputs((JSON.parse(text) as { steps: SelftrainStep[] }).steps);
    };
    assert.match(await start('whole.pt').ends(), /finetune completed/);
    const random = new Random(8);
    for (let i = 0; i < kills; i++) {
      const child = start('killed.pt');
      // A later step each time.
      const step = all[Math.round((i * (all.length - 1)) / Math.max(1, kills - 1))]!;
      await child.says(`${step} `);
      await sleep(300 * random.next());
      await child.kill();
      assert.doesNotMatch(child.output, /ERR_/);
    }
    assert.match(await start('killed.pt').ends(), /finetune completed/);
    const [whole, killed] = [await hashes('whole.pt'), await hashes('killed.pt')];
    // The last file has another name.
    const last = (steps: typeof whole) => Object.values(steps.finetune!);
    assert.deepEqual({ ...killed, finetune: 0 }, { ...whole, finetune: 0 });
    const weights = (out: string) => readFile(path(`${out}.run/finetune/best.safetensors`));
    assert.ok((await weights('whole.pt')).equals(await weights('killed.pt')));
    assert.equal(last(whole).length, 1);
  });
});
