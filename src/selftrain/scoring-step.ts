import { join } from 'node:path';
import { Classifier } from '../classify';
import { scorePool } from '../pseudo-labels';
import type { SelftrainStep } from './manifest';
import type { RunContext } from './run-context';

/** Scores the pool by the teacher. @param teacher the path of its file @param sha256 of that file */
export async function completeScoring(
  { directory, manifest, pool, options: { onProgress, ...options }, signal }: RunContext,
  teacher: string,
  sha256: string,
): Promise<SelftrainStep> {
  const { classesPerImage, imagesPerShard, orient = false, device, threads } = options;
  const scoring = { classesPerImage, imagesPerShard, orient };
  return await manifest.complete({
    ...{ step: 'score', conditions: scoring, inputs: { model: sha256 } },
    // It compares the names of the images with those of the files that exist.
    isIncremental: true,
    run: async () => {
      // Tuning selects other algorithms in another process, whose scores would differ in their last digits.
      const model = await Classifier.open(teacher, { plan: 'untuned', device, threads });
      try {
        const { files, scored, unreadable } = await scorePool(model, pool.datasets, {
          ...{ ...scoring, out: join(directory, 'score'), signal },
          onProgress: ({ done, total, rate }) => {
            onProgress?.({ step: 'score', phase: 'run', done, total, rate });
          },
        });
        return { files, result: { scored, unreadable: unreadable.length } };
      } finally {
        await model.close();
      }
    },
  });
}
