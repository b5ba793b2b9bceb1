import { Classifier } from '../classify';
import { toAnswer, type PictureResult } from '../evaluate';
import type { ModelDescription } from '../models';
import { openDevice, type ScriptModule } from '../torch';
import type { DeviceName } from '../native';
import type { TrainingSet } from './training-set';

/** The images that are decoded and judged at the same time. */
const chunkSize = 32;

/** The classes and the transform are by default those of the module's metadata. */
interface JudgeOptions extends Pick<ModelDescription, 'classes' | 'transform'> {
  readonly device?: DeviceName;
  readonly signal?: AbortSignal;
}

/**
 * The answers of a module for images, which its plan computes as when the model is used.
 *
 * @param module in eval mode; closed
 * @param indices those of the images
 */
export async function judge(
  module: ScriptModule,
  set: TrainingSet,
  indices: readonly number[],
  { device, signal, classes, transform }: JudgeOptions,
  onProgress: (done: number) => void,
): Promise<PictureResult[]> {
  try {
    const model = await Classifier.of(
      ...([module, set.name, { plan: 'untuned', classes, transform }] as const),
      await openDevice(device),
    );
    const results: PictureResult[] = [];
    for (let start = 0; start < indices.length; start += chunkSize) {
      signal?.throwIfAborted();
      const chunk = indices.slice(start, start + chunkSize);
      const images = await Promise.all(chunk.map((index) => set.decodeInFull(index)));
      const logits = await model.logits(images);
      const values = await logits.data();
      logits.dispose();
      const columns = values.length / chunk.length;
      for (const [i, index] of chunk.entries()) {
        const { name, label } = set.images[index]!;
        const row = values.subarray(i * columns, (i + 1) * columns);
        results.push({ name, ...toAnswer([label], row) });
      }
      onProgress(results.length);
    }
    return results;
  } finally {
    await module.close();
  }
}
