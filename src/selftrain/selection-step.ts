import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { selectImages } from '../pseudo-labels';
import { writeSelectionReport } from '../selection-report';
import type { SelftrainStep } from './manifest';
import { fileOf, type RunContext } from './run-context';

/** Of the paper, K times the number of classes, divided by the size of the pool: 16,000 x 1000 of 100 million. */
const selectedShare = 0.16;

/** Selects the images to train the student on, and writes a page of them. */
export async function completeSelection(
  context: RunContext,
  scored: SelftrainStep,
): Promise<SelftrainStep> {
  const { directory, manifest, pool, options, labeled, signal } = context;
  const { balanced = true, imagesPerClass, poolLabels: labels, orient, onProgress } = options;
  const { classes } = labeled;
  const share = (selectedShare * (scored.result.scored as number)) / classes.length;
  const count = imagesPerClass ?? Math.max(1, Math.round(share));
  const out = join(directory, 'select');
  const files = ['images.parquet', 'selection.parquet', 'selection.html'].map((name) =>
    fileOf(context, 'select', name),
  );
  return await manifest.complete({
    ...{ step: 'select', conditions: { imagesPerClass, balanced }, files },
    // With other true labels the page is another one.
    inputs: { ...scored.outputs, ...(labels && { poolLabels: hashOf(labels) }) },
    run: async () => {
      const selection = await selectImages(join(directory, 'score'), {
        ...{ imagesPerClass: count, balanced, out, signal },
        onProgress: ({ done, total, rate }) => {
          onProgress?.({ step: 'select', phase: 'run', done, total, rate });
        },
      });
      await writeSelectionReport(join(out, 'selection.html'), selection, {
        ...{ pool: pool.datasets, classes, labels, orient, signal },
      });
      return {
        files,
        result: {
          ...{ imagesPerClass: count, pairs: selection.size, images: selection.imageCount },
          emptyClasses: classes.filter((_, index) => selection.count(index) === 0),
        },
      };
    },
  });
}

function hashOf(labels: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const pair of labels) hash.update(`${JSON.stringify(pair)}\n`);
  return hash.digest('hex');
}
