import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { openCheckpoint } from '../../src/checkpoint';
import { batch } from '../../src/image/batch';
import { decode } from '../../src/image/decode';
import { buildTorchScript, cards, parseMetadata } from '../../src/models';
import { architectures, type ArchitectureName } from '../../src/models/resnet';
import { imagenetTransform } from '../../src/models/transform';
import { ScriptModule } from '../../src/torch';
import { findPhoto } from '../support/photos';
import { PythonServer, pythonLacks } from '../support/python';

const lacks = pythonLacks(['torch', 'numpy', 'PIL', 'safetensors']);

const title = 'compared with PyTorch';

(lacks ? describe.skip : describe)(lacks ? `${title} (skipped: ${lacks})` : title, function () {
  this.timeout(180_000);
  let python: PythonServer;
  let folder: string;
  let image: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    image = findPhoto('n02391049_zebra.JPEG') ?? (await drawPicture(join(folder, 'picture.png')));
    python = new PythonServer(join(__dirname, 'python.py'));
  });
  after(async () => {
    await python?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true });
  });

  for (const architecture of Object.keys(architectures) as ArchitectureName[]) {
    describe(architecture, () => {
      const card = cards.find((one) => one.architecture === architecture)!;
      const source = { file: 'random.pth', sha256: '0'.repeat(64) };
      let expected: number[];
      let path: string;

      const build = async (checkpoint: string): Promise<void> => {
        const state = await openCheckpoint(join(folder, checkpoint));
        await buildTorchScript({ card, state, source, path });
        await state.close();
      };

      before(async () => {
        path = join(folder, `${architecture}.pt`);
        expected = await python.call('make', architecture, folder, image);
      });
      after(() => rm(path, { force: true }));

      for (const checkpoint of ['zip.pth', 'legacy.pth', 'model.safetensors']) {
        it(`gives the same logits from ${checkpoint}`, async () => {
          await build(checkpoint);
          await using module = await ScriptModule.load(path);
          using input = await batch(module.executor, [await decode(image)], imagenetTransform);
          using logits = await module.forward(input);
          assertClose([...((await logits.data()) as Float32Array)], expected);
        });
      }

      it('is opened by torch.jit.load, in eval mode, and gives the same logits', async () => {
        const loaded = await python.call<{
          names: string[];
          training: boolean;
          metadata: unknown;
          logits: number[];
          logits_of_features: number[];
        }>('load', path, image);
        assertClose(loaded.logits, expected);
        assertClose(loaded.logits_of_features, expected);
        assert.equal(loaded.training, false);
        assert.deepEqual(loaded.names, await python.call('names', architecture));
        const metadata = parseMetadata(JSON.stringify(loaded.metadata), path);
        assert.equal(metadata.name, card.name);
        assert.deepEqual(metadata.source, source);
      });

      // The 101s have the same blocks, and take ten times as long.
      if (architecture.includes('101')) return;
      it('learns in a step of SGD what plain PyTorch learns', async () => {
        const result = await python.call<{ unchanged: string[]; difference: number }>(
          'train',
          architecture,
          join(folder, 'zip.pth'),
          path,
        );
        assert.deepEqual(result.unchanged, []);
        assert.ok(result.difference < 1e-5, `they differ by ${result.difference}`);
      });
    });
  }
});

/** All within 1e-4 of the largest. */
function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  const tolerance = 1e-4 * Math.max(...expected.map(Math.abs));
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${value} is not ${expected[i]}`);
  }
}

/** Noise in colour, 331 x 257, where there is no photo. */
async function drawPicture(path: string): Promise<string> {
  const [width, height] = [331, 257];
  const samples = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 7 + i) >> 5);
  await sharp(samples, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}
