import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { batch } from '../../src/image/batch';
import { decode } from '../../src/image/decode';
import { buildTorchScript } from '../../src/convert';
import { cards, parseMetadata } from '../../src/models';
import { architectures, type ArchitectureName } from '../../src/models/resnet';
import { imagenetTransform } from '../../src/models/transform';
import { ScriptModule } from '../../src/torch';
import { openStateDict } from '../support/checkpoint';
import { findPhoto } from '../support/photos';
import { PythonServer, pythonLacks } from '../support/python';

const missing = pythonLacks(['torch', 'numpy', 'PIL', 'safetensors']);

const title = 'buildTorchScript compared with PyTorch';

(missing ? describe.skip : describe)(
  missing ? `${title} (skipped: ${missing})` : title,
  function () {
    this.timeout(180_000);
    let python: PythonServer;
    let directory: string;
    let image: string;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
      image = findPhoto('n02391049_zebra.JPEG') ?? (await drawImage(join(directory, 'image.png')));
      python = new PythonServer(join(__dirname, 'python.py'));
    });
    after(async () => {
      await python?.[Symbol.asyncDispose]();
      if (directory) await rm(directory, { recursive: true });
    });

    for (const architecture of Object.keys(architectures) as ArchitectureName[]) {
      describe(architecture, () => {
        const card = cards.find((entry) => entry.architecture === architecture)!;
        const source = { file: 'random.pth', sha256: '0'.repeat(64) };
        let expected: number[];
        let path: string;

        const build = async (checkpoint: string): Promise<void> => {
          const state = await openStateDict(join(directory, checkpoint));
          await buildTorchScript({ card, state, source, path });
          await state.close();
        };

        before(async () => {
          path = join(directory, `${architecture}.pt`);
          expected = await python.call('make', architecture, directory, image);
        });
        after(() => rm(path, { force: true }));

        for (const checkpoint of ['zip.pth', 'legacy.pth', 'model.safetensors']) {
          it(`returns the same logits from ${checkpoint}`, async () => {
            await build(checkpoint);
            await using module = await ScriptModule.load(path);
            using input = await batch(module.executor, [await decode(image)], imagenetTransform);
            using logits = await module.forward(input);
            assertClose([...((await logits.data()) as Float32Array)], expected);
          });
        }

        it('writes a file that torch.jit.load opens in eval mode, with the same logits', async () => {
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

        // The architectures of 101 layers consist of the same blocks, and training them takes ten times as long.
        if (architecture.includes('101')) return;
        it('is updated by a step of SGD as in PyTorch', async () => {
          const result = await python.call<{ unchanged: string[]; difference: number }>(
            'train',
            architecture,
            join(directory, 'zip.pth'),
            path,
          );
          assert.deepEqual(result.unchanged, []);
          assert.ok(result.difference < 1e-5, `the relative difference is ${result.difference}`);
        });
      });
    }
  },
);

/** Asserts that all values are within 1e-4 of the largest absolute value. */
function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  const tolerance = 1e-4 * Math.max(...expected.map(Math.abs));
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${value} is not ${expected[i]}`);
  }
}

/** Writes an RGB image of 331 x 257 pixels, which replaces a missing photo. */
async function drawImage(path: string): Promise<string> {
  const [width, height] = [331, 257];
  const samples = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 7 + i) >> 5);
  await sharp(samples, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}
