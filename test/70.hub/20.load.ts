import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { contiguousStride, type StoredTensor } from '../../src/checkpoint';
import { Classifier } from '../../src/classify';
import { CheckpointError, DownloadError, ModelError, OptionError } from '../../src/errors';
import { hub, type HubProgress } from '../../src/hub';
import { modelFile } from '../../src/hub/cache';
import { checkKnownCard, knownCard } from '../../src/hub/known-file';
import { card } from '../../src/models';
import { sha256File } from '../../src/net/hash';
import { memory } from '../../src/native';
import { temporaryEnvironment } from '../support/environment';
import { generatedState } from '../support/generated-checkpoint';
import { generatedWeights } from '../support/generated-weights';
import { sha256 } from '../support/pixels';
import { root } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';
import { writeTfjs } from '../support/wrappings';
import { writeSafetensors } from '../support/write-safetensors';

const clock = join(root, 'examples', 'clock.jpg');
const cached = basename(modelFile(card('resnet18_swsl'), undefined, 'pt'));

describe('hub.load', function () {
  this.timeout(120_000);
  const generated = generatedWeights();
  const hubDir = temporaryDirectory();
  temporaryEnvironment(() => ({ SEMISUP_OFFLINE: '1' }));

  it('loads a custom checkpoint, and names it in the metadata', async () => {
    await using model = await hub.load('resnet18_swsl', { weights: generated.weights });
    const { name, architecture, license, source } = model.metadata;
    assert.deepEqual(
      { name, architecture, license },
      {
        name: 'resnet18_swsl',
        architecture: 'resnet18',
        license: null,
      },
    );
    assert.equal(source!.file, 'weights.safetensors');
    assert.match(source!.sha256, /^[0-9a-f]{64}$/);
    assert.equal(model.metadata.head, 'checkpoint');
  });

  it('initializes the head for another number of classes', async () => {
    const options = { weights: generated.weights, numClasses: 7 };
    await using model = await hub.load('resnet18_swsl', options);
    await using again = await hub.load('resnet18_swsl', options);
    const answer = await model.classify(clock, { topk: 7 });
    assert.equal(answer.length, 7);
    assert.equal(model.metadata.head, 'random');
    assert.match(answer[0]!.label, /^class \d$/);
    assert.deepEqual(await again.classify(clock, { topk: 7 }), answer);
  });

  it('uses the number of classes of the checkpoint', async () => {
    const state = generatedState('resnet18');
    const zeros = (shape: number[]): StoredTensor => ({
      dtype: 'float32',
      shape,
      stride: contiguousStride(shape),
      read: () => Promise.resolve(new Uint8Array(4 * shape.reduce((a, b) => a * b))),
    });
    const tensors = new Map(state.tensors);
    tensors.set('fc.weight', zeros([7, 512])).set('fc.bias', zeros([7]));
    const weights = join(hubDir.path, 'seven.safetensors');
    await writeSafetensors({ ...state, tensors }, weights);
    await using model = await hub.load('resnet18_swsl', { weights });
    const [best] = await model.classify(clock);
    assert.equal(model.classes.length, 7);
    assert.ok(Math.abs(best!.score - 1 / 7) < 1e-6);
  });

  it('uses a cached TorchScript file without a checkpoint', async () => {
    const checkpoints = join(hubDir.path, 'checkpoints');
    await mkdir(checkpoints);
    const exported = join(hubDir.path, 'exported.pt');
    await hub.exportTorchScript('resnet18_swsl', exported, { weights: generated.weights });
    await copyFile(exported, join(checkpoints, cached));
    await writeFile(join(checkpoints, `${cached}.sha256`), await sha256File(exported));
    const options = { hubDir: hubDir.path };
    await using first = await hub.load('resnet18_swsl', options);
    await using second = await hub.load('swsl_resnet18', options);
    await using third = await hub.load(
      'facebookresearch/semi-supervised-ImageNet1K-models',
      'resnet18_swsl',
      options,
    );
    for (const model of [first, second, third]) assert.equal(model.metadata.name, 'resnet18_swsl');
    const files = (await readdir(checkpoints)).filter((name) => !name.endsWith('.semisup'));
    assert.deepEqual(files, [cached, `${cached}.sha256`]);
  });

  it('reports the progress of a build', async () => {
    const events: HubProgress[] = [];
    await using model = await hub.load('resnet18_swsl', {
      weights: generated.weights,
      onProgress: (event) => events.push(event),
    });
    assert.equal(model.classes.length, 1000);
    assert.deepEqual(new Set(events.map(({ phase }) => phase)), new Set(['build']));
    assert.equal(events.at(-1)!.received, events.at(-1)!.total);
  });

  it('rejects a checkpoint of another architecture', async () => {
    await assert.rejects(
      hub.load('resnet50_swsl', { weights: generated.weights }),
      (error) =>
        error instanceof CheckpointError &&
        error.code === 'ERR_SEMISUP_CHECKPOINT_MISMATCH' &&
        error.message.includes('resnet18') &&
        error.message.includes(generated.weights),
    );
  });

  it('loads a directory of TensorFlow.js shards', async () => {
    const { tensors } = generatedState('resnet18');
    await writeTfjs(tensors, join(hubDir.path, 'model.json'));
    const exported = join(hubDir.path, 'exported.pt');
    await hub.exportTorchScript('resnet18_swsl', exported, { weights: hubDir.path });
    await using model = await Classifier.open(exported, { plan: 'interpreter' });
    assert.equal(model.metadata.source!.file, 'model.json');
  });

  it('records a hash of TensorFlow.js that covers all shards, and no other file', async () => {
    const { tensors } = generatedState('resnet18');
    const directory = join(hubDir.path, 'tfjs');
    await mkdir(directory);
    await writeTfjs(tensors, join(directory, 'model.json'));
    const names = (await readdir(directory)).sort();
    assert(names.length > 1);
    const lines = names.map(async (name) => {
      return `${sha256(await readFile(join(directory, name)))}  ${name}\n`;
    });
    const expected = sha256(Buffer.from((await Promise.all(lines)).join('')));
    await writeFile(join(directory, 'notes.txt'), 'not read');
    for (const weights of [directory, join(directory, 'model.json')]) {
      await using model = await hub.load('resnet18_swsl', { weights, plan: 'untuned' });
      assert.equal(model.metadata.source!.sha256, expected);
    }
  });

  it('recognizes the published checkpoint of another architecture by its hash', () => {
    const known = knownCard(`16a12f1b${'0'.repeat(56)}`);
    assert.equal(known?.name, 'resnet50_swsl');
    assert.equal(knownCard('0'.repeat(64)), undefined);
    checkKnownCard(known, card('resnet50_ssl'), 'x.pth');
    assert.throws(
      () => {
        checkKnownCard(known, card('resnet50_baseline'), 'x.pth');
      },
      (error) =>
        error instanceof CheckpointError &&
        error.code === 'ERR_SEMISUP_CHECKPOINT_MISMATCH' &&
        error.message.includes('Load it as resnet50_swsl'),
    );
  });

  it('leaves no module and no file behind if the file cannot be written', async () => {
    const { weights } = generated;
    const target = join(hubDir.path, 'folder.pt');
    await mkdir(target);
    const { modules } = memory();
    await assert.rejects(hub.exportTorchScript('resnet18_swsl', target, { weights }), {
      code: 'ERR_SEMISUP_MODEL_WRITE',
      value: target,
    });
    assert.deepEqual(memory().modules, modules);
    assert.deepEqual(await readdir(hubDir.path, { recursive: true }), ['folder.pt']);
  });

  it('rebuilds a cached TorchScript file that was changed', async () => {
    const checkpoints = join(hubDir.path, 'checkpoints');
    await mkdir(checkpoints);
    await hub.exportTorchScript('resnet18_swsl', join(checkpoints, cached), {
      weights: generated.weights,
    });
    const bytes = await readFile(join(checkpoints, cached));
    await writeFile(join(checkpoints, `${cached}.sha256`), sha256(bytes));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(join(checkpoints, cached), bytes);
    await assert.rejects(hub.load('resnet18_swsl', { hubDir: hubDir.path }), {
      code: 'ERR_SEMISUP_DOWNLOAD_OFFLINE',
    });
  });

  it('names the missing checkpoint if it is offline', async () => {
    await assert.rejects(
      hub.load('resnet18_swsl', { hubDir: hubDir.path }),
      (error) =>
        error instanceof DownloadError &&
        error.code === 'ERR_SEMISUP_DOWNLOAD_OFFLINE' &&
        error.message.includes('semi_weakly_supervised_resnet18-118f1556.pth'),
    );
  });

  it('rejects with the reason of an aborted signal', async () => {
    const reason = new Error('canceled');
    const aborted = AbortSignal.abort(reason);
    await assert.rejects(hub.load('resnet18_swsl', { signal: aborted }), reason);
    const controller = new AbortController();
    const interrupted = hub.load('resnet18_swsl', {
      weights: generated.weights,
      signal: controller.signal,
      onProgress: () => {
        controller.abort(reason);
      },
    });
    await assert.rejects(interrupted, reason);
  });

  it('rejects invalid arguments, and suggests the nearest model and option', async () => {
    await assert.rejects(hub.load('resnet50_swls'), (error) => {
      return error instanceof ModelError && error.message.includes("Did you mean 'resnet50_swsl'?");
    });
    await assert.rejects(hub.load('resnet18_swsl', { weight: 'a.pth' } as object), (error: Error) =>
      error.message.includes("Did you mean 'weights'?"),
    );
    await assert.rejects(hub.load('pytorch/vision', 'resnet18_swsl'), OptionError);
    await assert.rejects(hub.load(undefined as unknown as string, 'resnet18_swsl'), OptionError);
    assert.throws(() => hub.list(5 as unknown as string), OptionError);
    for (const invalid of [
      { hubDir: '' },
      { hubDir: 5 },
      { offline: 'no' },
      { forceReload: 1 },
      { onProgress: 'x' },
      { signal: {} },
      { weights: '' },
      { numClasses: 1.5 },
    ]) {
      await assert.rejects(hub.load('resnet18_swsl', invalid as object), OptionError);
    }
    await assert.rejects(
      hub.load('resnet18_swsl', { precision: 'float8' as 'float32' }),
      OptionError,
    );
    await assert.rejects(hub.load('resnet18_swsl', { weights: generated.weights, numClasses: 0 }), {
      code: 'ERR_SEMISUP_OPTION_VALUE',
    });
  });
});
