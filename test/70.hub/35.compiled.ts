import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hub } from '../../src/hub';
import { modelFile } from '../../src/hub/cache';
import { card } from '../../src/models';
import { openEngine } from '../../src/native';
import { temporaryEnvironment } from '../support/environment';
import { generatedWeights } from '../support/generated-weights';
import { publishCheckpoint, type Origin } from '../support/published-checkpoint';
import { root, runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const name = 'resnet18_swsl';
const clock = join(root, 'examples', 'clock.jpg');

describe('the compiled models in the cache', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const generated = generatedWeights();
  temporaryEnvironment(() => ({ SEMISUP_OFFLINE: '1' }));
  const published = { ...card(name).origin };
  let hubDir: string;
  let checkpoints: string;
  let origin: Origin;

  before(function () {
    if (openEngine().instructionSet !== 'none') return;
    this.test!.parent!.title += ' (skipped: this processor has no kernels)';
    this.skip();
  });
  beforeEach(async () => {
    hubDir = join(directory.path, 'hub');
    checkpoints = join(hubDir, 'checkpoints');
    ({ origin } = await publishCheckpoint(name, generated.weights, hubDir));
  });
  afterEach(() => {
    Object.assign(card(name).origin, published);
  });

  const compiledFiles = async () =>
    (await readdir(checkpoints)).filter((file) => file.endsWith('.semisup'));

  it('are written by the first load, and opened without LibTorch by later ones', async () => {
    await using first = await hub.load(name, { hubDir });
    assert.equal((await first.whenTuned()).kind, 'compiled');
    const [file, ...others] = await compiledFiles();
    const prefix = basename(modelFile(card(name), hubDir, 'float32.'));
    assert.ok(file!.startsWith(prefix), file);
    assert.match(file!.slice(prefix.length), /^\w{8}\.semisup$/);
    assert.deepEqual(others, []);
    const expected = await first.classify(clock);
    const { code, stdout, stderr } = await runNode(
      `const { hub } = require('./src/hub');
      Object.assign(require('./src/models').card('${name}').origin, ${JSON.stringify(origin)});
      hub.load('${name}', { hubDir: ${JSON.stringify(hubDir)} }).then(async (model) => {
        console.log(JSON.stringify(await model.classify(${JSON.stringify(clock)})));
      });`,
      [],
      { ...process.env, SEMISUP_LIBTORCH: '/nowhere' },
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(JSON.parse(stdout), expected);
  });

  it('are written once for each precision and number of threads', async () => {
    for (const options of [
      {},
      { precision: 'int8' },
      { threads: 1 },
      { precision: 'int8' },
    ] as const) {
      await using model = await hub.load(name, { hubDir, ...options });
      const { kind, precision } = await model.whenTuned();
      assert.deepEqual(
        [kind, precision],
        ['compiled', 'precision' in options ? 'int8' : 'float32'],
      );
    }
    assert.equal((await compiledFiles()).length, 3);
  });

  it('are written once for each size, and serve every crop', async () => {
    await hub.prepare([name], { hubDir, size: 96 });
    await hub.prepare([name], { hubDir });
    // Those of the default size have no size in their names.
    const files = await compiledFiles();
    assert.deepEqual(files.map((file) => file.split('.').slice(3, -2)).sort(), [[], ['96']]);
    for (const [options, transform] of [
      [{ size: 96 }, [109, 96]],
      [{ size: 96, crop: 1 }, [96, 96]],
      [{ crop: 1 }, [224, 224]],
      [{ size: 224, crop: 0.875 }, [256, 224]],
    ] as const) {
      await using model = await hub.load(name, { hubDir, ...options });
      assert.equal(model.plan.kind, 'compiled');
      const { resize, crop } = model.metadata.transform;
      assert.deepEqual([resize, crop], transform);
      await model.classify(clock);
    }
    assert.deepEqual(await compiledFiles(), files);
    await assert.rejects(hub.load(name, { hubDir, size: 0 }), /an integer from 1 to 4096 for size/);
    await assert.rejects(hub.prepare([name], { hubDir, crop: 1 } as object), /no option 'crop'/);
  });

  it('are not used for another plan, custom weights or another number of classes', async () => {
    const others = [
      { plan: 'untuned' },
      { weights: generated.weights },
      { numClasses: 3 },
    ] as const;
    for (const options of others) {
      await using model = await hub.load(name, { hubDir, ...options });
      assert.notEqual((await model.whenTuned()).kind, 'compiled');
    }
    assert.deepEqual(await compiledFiles(), []);
  });

  it('are prepared by hub.download and hub.prepare, and written again if they are damaged', async () => {
    await hub.download(name, { hubDir });
    await hub.prepare([name], { hubDir, precision: 'int8' });
    const files = await compiledFiles();
    assert.deepEqual(files.map((file) => file.split('.')[2]).sort(), ['float32', 'int8']);
    const path = join(
      checkpoints,
      files.find((file) => file.includes('float32'))!,
    );
    const contents = await readFile(path);
    {
      await using model = await hub.load(name, { hubDir });
      assert.equal(model.plan.kind, 'compiled');
    }
    assert.deepEqual(await readFile(path), contents);
    await truncate(path, 1000);
    {
      await using model = await hub.load(name, { hubDir });
      assert.equal((await model.whenTuned()).kind, 'compiled');
    }
    assert.ok((await stat(path)).size > contents.length / 2);
    await assert.rejects(hub.prepare(['resnet18_swls']), { code: 'ERR_SEMISUP_MODEL_UNKNOWN' });
    await assert.rejects(hub.prepare([name], { topk: 1 } as object), {
      code: 'ERR_SEMISUP_OPTION_UNKNOWN',
    });
  });

  it('are not required: a directory that cannot be written', async function () {
    if (process.getuid?.() === 0) {
      this.test!.title +=
        ' (skipped: root can write everywhere; 40.read-only.ts tests it as another user)';
      this.skip();
    }
    await hub.download(name, { hubDir });
    for (const file of await compiledFiles()) await rm(join(checkpoints, file));
    await chmod(checkpoints, 0o555);
    try {
      await using model = await hub.load(name, { hubDir });
      assert.equal((await model.whenTuned()).kind, 'planned');
    } finally {
      await chmod(checkpoints, 0o755);
    }
  });
});
