import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Classifier, type RunOptions } from '../../src/classify';
import { DeviceError, DownloadError } from '../../src/errors';
import { hub } from '../../src/hub';
import { batch, decode } from '../../src/image';
import {
  Executor,
  GpuJpegDecoder,
  openDevice,
  ScriptModule,
  type DeviceName,
} from '../../src/torch';
import { apart, onGpu } from '../support/gpu';
import { imagenet } from '../support/image-goldens';
import { photosOrSkip } from '../support/photos';
import { temporaryFolder } from '../support/temporary';

/** Trained weights as TorchScript, where there is no hub to have them from. */
const given = process.env.SEMISUP_TEST_BASELINE;

describe('the baseline on a GPU', function () {
  this.timeout(600_000);
  onGpu();
  const temporary = temporaryFolder();

  async function pathOrSkip(test: Mocha.Context): Promise<string> {
    if (given !== undefined) return given;
    try {
      return await hub.exportTorchScript('resnet50_baseline', join(temporary.path, 'baseline.pt'));
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      test.test!.title += ` (skipped: ${error.message})`;
      return test.skip();
    }
  }

  async function open(path: string, device: DeviceName, options: RunOptions = {}) {
    // Weights may have been kept in 16 bits.
    const module = await ScriptModule.load(path, { device: 'cpu', dtype: 'float32', instances: 2 });
    return await Classifier.of(module, path, options, await openDevice(device));
  }

  const photosIn = async (folder: string) =>
    (await readdir(folder)).sort().map((name) => join(folder, name));

  for (const [precision, least] of [
    ['float32', 100],
    ['tf32', 99],
    ['float16', 99],
    ['bfloat16', 97],
  ] as const) {
    it(`sees in ${least} of 100 photos the same in ${precision} as the CPU in float32`, async function () {
      const photos = await photosIn(photosOrSkip(this));
      const path = await pathOrSkip(this);
      await using cpu = await open(path, 'cpu');
      await using gpu = await open(path, 'cuda', { precision });
      const [seen, expected] = [await gpu.classify(photos), await cpu.classify(photos)];
      const same = seen.filter(([best], i) => best!.index === expected[i]![0]!.index).length;
      using logits = await gpu.logits(photos);
      using wanted = await cpu.logits(photos);
      const difference = apart(await logits.data(), await wanted.data());
      console.log(`      ${same} the same; logits ${difference.toExponential(1)} of the largest`);
      assert.ok(same >= least);
      if (precision === 'float32') assert.ok(difference <= 1e-3);
    });
  }

  it('sees the same in JPEGs that the GPU decodes, but in 2 of 100', async function () {
    const photos = await photosIn(photosOrSkip(this));
    const path = await pathOrSkip(this);
    await using cpu = await open(path, 'cpu');
    let gpu: Classifier;
    try {
      gpu = await open(path, 'cuda', { decode: 'gpu' });
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.test!.title += ` (skipped: ${error.what})`;
      this.skip();
    }
    const [seen, expected] = [await gpu.classify(photos), await cpu.classify(photos)];
    await gpu.close();
    const same = seen.filter(([best], i) => best!.index === expected[i]![0]!.index).length;
    console.log(`      ${same} the same`);
    assert.ok(same >= 98);
  });

  it("has pixels of nvJPEG that differ little from libjpeg's", async function () {
    const photos = await photosIn(photosOrSkip(this));
    const { gpu } = await openDevice('cuda');
    const executor = await Executor.shared();
    let decoder: GpuJpegDecoder;
    try {
      decoder = await GpuJpegDecoder.open(executor, gpu!);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.test!.title += ` (skipped: ${error.what})`;
      this.skip();
    }
    let [sum, most, count, far] = [0, 0, 0, 0];
    for (const name of photos) {
      const { images } = await decoder.decode([await readFile(name)], imagenet);
      if (!images) continue;
      using there = images;
      using here = await batch(executor, [await decode(name)], imagenet, gpu);
      const [a, b] = [await there.toFloat32(), await here.toFloat32()];
      for (const [i, value] of a.entries()) {
        const difference = Math.abs(value - b[i]!);
        sum += difference;
        most = Math.max(most, difference);
        if (difference > 2) far++;
      }
      count += a.length;
    }
    const share = (100 * far) / count;
    console.log(
      `      of ${count} samples, levels: mean ${(sum / count).toFixed(3)}, most ${most}, more than 2 in ${share.toFixed(2)} %`,
    );
    assert.ok(count > 90 * 3 * 224 * 224, String(count));
    assert.ok(sum / count < 2);
  });
});
