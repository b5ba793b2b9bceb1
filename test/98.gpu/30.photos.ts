import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Classifier, type InferenceOptions } from '../../src/classify';
import { DeviceError, DownloadError } from '../../src/errors';
import { hub } from '../../src/hub';
import { batch, decode } from '../../src/image';
import { type DeviceName } from '../../src/native';
import { GpuJpegDecoder, openDevice, ScriptModule, sharedExecutor } from '../../src/torch';
import { gpusOrSkip, relativeDifference } from '../support/gpu';
import { imagenet } from '../support/image-goldens';
import { photosOrSkip } from '../support/photos';
import { temporaryDirectory } from '../support/temporary';

/** The path of the trained weights as TorchScript, for a machine that cannot download them. */
const baselinePath = process.env.SEMISUP_TEST_BASELINE;

describe('the baseline on a GPU', function () {
  this.timeout(600_000);
  gpusOrSkip();
  const temporary = temporaryDirectory();

  async function pathOrSkip(test: Mocha.Context): Promise<string> {
    if (baselinePath !== undefined) return baselinePath;
    try {
      return await hub.exportTorchScript('resnet50_baseline', join(temporary.path, 'baseline.pt'));
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      test.test!.title += ` (skipped: ${error.message})`;
      return test.skip();
    }
  }

  async function open(path: string, device: DeviceName, options: InferenceOptions = {}) {
    // The file may store its weights in 16 bits.
    const module = await ScriptModule.load(path, { device: 'cpu', dtype: 'float32', instances: 2 });
    return await Classifier.of(module, path, options, await openDevice(device));
  }

  const photosIn = async (directory: string) =>
    (await readdir(directory)).sort().map((name) => join(directory, name));

  for (const [precision, least] of [
    ['float32', 100],
    ['tf32', 99],
    ['float16', 99],
    ['bfloat16', 97],
  ] as const) {
    it(`agrees with the CPU on at least ${least} of 100 photos in ${precision}`, async function () {
      const photos = await photosIn(photosOrSkip(this));
      const path = await pathOrSkip(this);
      await using cpu = await open(path, 'cpu');
      await using gpu = await open(path, 'cuda', { precision });
      const [actual, expected] = [await gpu.classify(photos), await cpu.classify(photos)];
      const same = actual.filter(([best], i) => best!.index === expected[i]![0]!.index).length;
      using logits = await gpu.logits(photos);
      using expectedLogits = await cpu.logits(photos);
      const difference = relativeDifference(await logits.data(), await expectedLogits.data());
      console.log(`      ${same} the same; logits ${difference.toExponential(1)} of the largest`);
      assert.ok(same >= least);
      if (precision === 'float32') assert.ok(difference <= 1e-3);
    });
  }

  it('agrees with the CPU on at least 98 of 100 photos that the GPU decodes', async function () {
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
    const [actual, expected] = [await gpu.classify(photos), await cpu.classify(photos)];
    await gpu.close();
    const same = actual.filter(([best], i) => best!.index === expected[i]![0]!.index).length;
    console.log(`      ${same} the same`);
    assert.ok(same >= 98);
  });

  it('decodes pixels with nvJPEG that differ from those of libjpeg by less than 2 on average', async function () {
    const photos = await photosIn(photosOrSkip(this));
    const { gpu } = await openDevice('cuda');
    const executor = await sharedExecutor();
    let decoder: GpuJpegDecoder;
    try {
      decoder = await GpuJpegDecoder.open(executor, gpu!);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.test!.title += ` (skipped: ${error.what})`;
      this.skip();
    }
    let [sum, largest, count, above] = [0, 0, 0, 0];
    for (const name of photos) {
      const { images } = await decoder.decode([await readFile(name)], imagenet);
      if (!images) continue;
      using gpuImages = images;
      using cpuImages = await batch(executor, [await decode(name)], imagenet, gpu);
      const [a, b] = [await gpuImages.toFloat32(), await cpuImages.toFloat32()];
      for (const [i, value] of a.entries()) {
        const difference = Math.abs(value - b[i]!);
        sum += difference;
        largest = Math.max(largest, difference);
        if (difference > 2) above++;
      }
      count += a.length;
    }
    const share = (100 * above) / count;
    console.log(
      `      differences of ${count} samples: mean ${(sum / count).toFixed(3)}, maximum ${largest}, above 2 in ${share.toFixed(2)} %`,
    );
    assert.ok(count > 90 * 3 * 224 * 224, String(count));
    assert.ok(sum / count < 2);
  });
});
