import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateDict, StoredTensor } from '../../src/checkpoint';
import { buildTorchScript, type BuildOptions } from '../../src/convert';
import { card, parseMetadata } from '../../src/models';
import { initializeHead } from '../../src/convert/head';
import { ScriptModule } from '../../src/torch';
import { generatedImage, generatedState } from '../support/generated-checkpoint';
import { openStateDict } from '../support/checkpoint';
import { temporaryDirectory } from '../support/temporary';

const source = { file: 'weights.pth', sha256: 'ab'.repeat(32) };

describe('buildTorchScript', () => {
  const directory = temporaryDirectory();

  const build = async (options: Partial<BuildOptions & { path: string }> = {}): Promise<string> => {
    const path = join(directory.path, 'net.pt');
    const state = generatedState('resnet18');
    await buildTorchScript({ card: card('resnet18_swsl'), state, source, path, ...options });
    return path;
  };
  const logits = async (path: string): Promise<number[]> => {
    await using module = await ScriptModule.load(path);
    using image = generatedImage();
    using output = await module.forward(image);
    return [...((await output.data()) as Float32Array)];
  };

  it('stores the metadata in the archive', async () => {
    const path = await build();
    await using module = await ScriptModule.load(path);
    const { name, architecture, license, transform } = card('resnet18_swsl');
    assert.deepEqual(parseMetadata(module.extraFiles['semisup.json']!, path), {
      name,
      architecture,
      stride: 'v1.5',
      numClasses: 1000,
      head: 'checkpoint',
      labels: 'imagenet1k',
      license,
      source,
      transform,
    });
  });

  it('builds the same network from a file as from memory', async () => {
    const file = join(directory.path, 'weights.safetensors');
    await writeSafetensors(file, generatedState('resnet18'));
    const state = await openStateDict(file);
    const path = await build({ state });
    await state.close();
    assert.deepEqual(await logits(path), await logits(await build()));
  });

  it('reports the bytes written after each tensor', async () => {
    const reports: [number, number][] = [];
    await build({ onProgress: (done, total) => reports.push([done, total]) });
    const bytes = 4 * (11_689_512 + 2 * 4800) + 8 * 20;
    assert.equal(reports.length, 122);
    assert.deepEqual(reports.at(-1), [bytes, bytes]);
    assert.ok(reports.every(([done], i) => i === 0 || done > reports[i - 1]![0]));
  });

  it('initializes the head from the seed for another number of classes', async () => {
    const ten = await logits(await build({ numClasses: 10 }));
    assert.equal(ten.length, 10);
    assert.deepEqual(await logits(await build({ numClasses: 10, seed: 0 })), ten);
    assert.notDeepEqual(await logits(await build({ numClasses: 10, seed: 1 })), ten);
  });

  it('stores no labels in the metadata for a custom head', async () => {
    const path = await build({ numClasses: 10, card: { ...card('resnet18_swsl'), license: null } });
    await using module = await ScriptModule.load(path);
    const metadata = parseMetadata(module.extraFiles['semisup.json']!, path);
    assert.equal(metadata.numClasses, 10);
    assert.equal(metadata.head, 'random');
    assert.equal(metadata.labels, null);
    assert.equal(metadata.license, null);
  });

  it('uses the number of classes of the checkpoint by default', async () => {
    const state = generatedState('resnet18');
    const tensors = new Map(state.tensors);
    for (const [name, shape] of [
      ['fc.weight', [7, 512]],
      ['fc.bias', [7]],
    ] as const) {
      const tensor = state.tensors.get(name)!;
      const length = 4 * shape.reduce((product: number, side) => product * side, 1);
      const read = async () => (await tensor.read()).slice(0, length);
      tensors.set(name, { ...tensor, shape, read });
    }
    const seven = await logits(await build({ state: { ...state, tensors } }));
    assert.deepEqual(seven.length, 7);
    const thousand = await logits(await build());
    for (const [i, value] of seven.entries()) assert.ok(Math.abs(value - thousand[i]!) < 1e-4);
  });

  it('converts Keras weights for the baseline only', async () => {
    const state: StateDict = { ...generatedState('resnet50'), tensors: new Map() };
    (state.tensors as Map<string, StoredTensor>).set('conv1/kernel', {
      ...generatedState('resnet50').tensors.get('conv1.weight')!,
      shape: [7, 7, 3, 64],
    });
    await assert.rejects(
      build({ state, card: card('resnet50_swsl') }),
      /Unexpected: conv1\/kernel/,
    );
    await assert.rejects(build({ state, card: card('resnet50_baseline') }), (error: Error) => {
      assert.match(error.message, /Missing: bn1\.weight/);
      assert.doesNotMatch(error.message, /Unexpected/);
      return true;
    });
  });

  it('preserves an existing file and removes temporary files when it fails', async () => {
    const path = join(directory.path, 'net.pt');
    await writeFile(path, 'precious');
    const controller = new AbortController();
    const failing = generatedState('resnet18');
    const failure = new Error('disk failure');
    (failing.tensors as Map<string, StoredTensor>).set('fc.bias', {
      ...failing.tensors.get('fc.bias')!,
      read: () => Promise.reject(failure),
    });
    await assert.rejects(build({ state: failing }), failure);
    await assert.rejects(build({ card: card('resnet50_swsl') }), {
      code: 'ERR_SEMISUP_CHECKPOINT_MISMATCH',
    });
    await assert.rejects(
      build({
        signal: controller.signal,
        onProgress: (done, total) => {
          assert.ok(!controller.signal.aborted);
          if (done > total / 2) controller.abort();
        },
      }),
      { name: 'AbortError' },
    );
    assert.deepEqual(await readdir(directory.path), ['net.pt']);
    assert.equal(await readFile(path, 'utf8'), 'precious');
  });

  it('names the file if it cannot be written', async () => {
    const path = join(directory.path, 'nowhere', 'net.pt');
    await assert.rejects(build({ path }), {
      code: 'ERR_SEMISUP_MODEL_WRITE',
      value: path,
    });
  });

  it('rejects invalid numbers of classes and invalid seeds', async () => {
    for (const numClasses of [0, -1, 1.5, NaN, 2 ** 40, '10' as unknown as number]) {
      await assert.rejects(build({ numClasses }), { code: 'ERR_SEMISUP_OPTION_VALUE' });
    }
    await assert.rejects(build({ seed: 0.5 }), { code: 'ERR_SEMISUP_OPTION_VALUE' });
  });
});

describe('initializeHead', () => {
  it("is distributed as PyTorch's nn.Linear: uniformly within 1 / sqrt(inputs)", async () => {
    const { weight, bias } = await initializeHead(300, 512, 7);
    assert.deepEqual([weight.length, bias.length], [300 * 512, 300]);
    const bound = 1 / Math.sqrt(512);
    const within = (value: number) => Math.abs(value) <= bound;
    assert.ok(weight.every(within) && bias.every(within));
    const mean = weight.reduce((sum, value) => sum + value, 0) / weight.length;
    const variance = weight.reduce((sum, value) => sum + value ** 2, 0) / weight.length;
    assert.ok(Math.abs(mean) < bound / 100);
    assert.ok(Math.abs(variance - bound ** 2 / 3) < bound ** 2 / 100);
    assert.ok(Math.max(...bias) > bound * 0.9 && Math.min(...bias) < -bound * 0.9);
  });

  it('is determined by the seed', async () => {
    const [first, again, other] = await Promise.all(
      [0, 0, 1].map((seed) => initializeHead(5, 8, seed)),
    );
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
  });
});

async function writeSafetensors(path: string, state: StateDict): Promise<void> {
  const header: Record<string, unknown> = {};
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of state.tensors) {
    const bytes = await tensor.read();
    header[name] = {
      dtype: tensor.dtype === 'int64' ? 'I64' : 'F32',
      shape: tensor.shape,
      data_offsets: [offset, offset + bytes.length],
    };
    chunks.push(bytes);
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(path, Buffer.concat([length, json, ...chunks]));
}
