import { Command } from 'commander';
import type { DetailedResult } from '../classify';
import type { ImageInput } from '../image';
import { classes } from '../models';
import { invalidValue } from '../options';
import { parsePositiveInteger } from './export';
import { finishTuning } from './finish-tuning';
import { withHubFlags, type HubFlags } from './hub-options';
import { isModelFile, openClassifier } from './open-classifier';
import { processImages } from './process-images';
import { imageArgument, withRunFlags, type RunFlags } from './run-options';
import { withTemperatureFlag, withViewFlags, type ViewFlags } from './view-options';
import { bar, bold, dim, errorAsJson, print, printJson, table } from './terminal';

interface ClassifyFlags extends HubFlags, RunFlags, ViewFlags {
  readonly topk?: number;
  readonly temperature?: number;
  readonly orient?: boolean;
  readonly json?: boolean;
}

/** `semisup classify IMAGE…` */
export function classifyCommand(): Command {
  return withHubFlags(
    withTemperatureFlag(
      withViewFlags(
        withRunFlags(
          new Command('classify')
            .description('classify images')
            .argument('<image...>', imageArgument),
        ),
      ),
    )
      .option('-k, --topk <count>', 'number of classes', parsePositiveInteger)
      .option('--orient', 'rotate images according to their EXIF orientation')
      .option('--json', 'print JSON'),
  ).action(async (images: string[], flags: ClassifyFlags) => {
    const { topk, temperature, views, orient } = flags;
    checkTopk(flags);
    await using model = await openClassifier(flags);
    const results: object[] = [];
    const classify = (image: ImageInput) =>
      model.classifyDetailed(image, { topk, temperature, views, orient });
    for await (const { image, result, error } of processImages(images, classify)) {
      if (flags.json) results.push({ image, ...(error ? { error: errorAsJson(error) } : result) });
      else if (result) print(show(image, result));
    }
    if (flags.json) printJson(results);
    await finishTuning(model);
  });
}

/** Checks `topk` before anything is downloaded, if the number of classes is known by then. */
function checkTopk({ topk = 1, weights, model }: ClassifyFlags): void {
  if (weights !== undefined || isModelFile(model) || topk <= classes.length) return;
  throw invalidValue('topk', `an integer from 1 to ${classes.length}`, topk);
}

/** Formats the result of an image as a table, followed by the durations. */
export function show(image: string, { predictions, timings }: DetailedResult): string {
  const rows = predictions.map(({ label, wnid, score }) => [
    `${(score * 100).toFixed(1)} %`,
    bar(score, 20),
    label,
    wnid,
  ]);
  const columns = [
    { title: 'score', right: true },
    { title: '' },
    { title: 'class' },
    { title: 'WordNet ID' },
  ];
  const { decode, transform, forward } = timings;
  const durations = `decode ${decode.toFixed(1)} ms, transform ${transform.toFixed(1)} ms, forward ${forward.toFixed(1)} ms`;
  return [bold(image), table(columns, rows), dim(durations), ''].join('\n');
}
