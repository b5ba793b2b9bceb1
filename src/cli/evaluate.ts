import { join } from 'node:path';
import { Command } from 'commander';
import type { Classifier } from '../classify';
import { openDataset, type Dataset } from '../dataset';
import { evaluate, summaryOf, toCsv, writeOutput, type Evaluation } from '../evaluate';
import { invalidValue } from '../options';
import { showEvaluations } from './evaluation-tables';
import { withHubFlags, type HubFlags } from './hub-options';
import { ImageBar } from './image-progress';
import { noteLeftOut } from './left-out';
import { openClassifier } from './open-classifier';
import { Interruption, withDisplay } from './progress';
import { writeReport, type ReportOptions } from '../report';
import { withRunFlags, type RunFlags } from './run-options';
import { withTemperatureFlag, withViewFlags, type ViewFlags } from './view-options';
import { note, print, printJson } from './terminal';

interface EvaluateFlags extends HubFlags, RunFlags, ViewFlags {
  readonly labels?: string;
  readonly classMap?: string;
  readonly realLabels?: string;
  readonly validLabels?: string;
  readonly orient?: boolean;
  readonly temperature?: number;
  readonly out?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** `semisup eval DATASET` */
export function evaluateCommand(): Command {
  return withHubFlags(
    withTemperatureFlag(
      withViewFlags(
        withRunFlags(
          new Command('eval')
            .description('measure the accuracy of models on labeled images')
            .argument(
              '<dataset>',
              'directory with one directory per class, list of `filename label`, .tar or .tar.gz, or pattern of these',
            )
            .addHelpText(
              'after',
              '\nSeveral models, separated by commas in --model, share one pass over the images.',
            ),
        ),
      ),
    )
      .option('--labels <file>', 'labels of a flat directory: a list, or a ground-truth file')
      .option('--class-map <file>', "the dataset's label of each class, one per line")
      .option('--real-labels <file>', 'real.json of ImageNet-ReaL')
      .option('--valid-labels <file>', 'the indices of the classes that count, one per line')
      .option('--orient', 'rotate images according to their EXIF orientation')
      .option(
        '-o, --out <directory>',
        'write a report there, and the result of each image, to go on after an interruption',
      )
      .option('--json', 'print JSON')
      .option('--csv', "print CSV with the columns of timm's result tables"),
  ).action(async (path: string, flags: EvaluateFlags) => {
    const names = flags.model.split(',').map((name) => name.trim());
    if (names.length > 1) checkOneModel(flags);
    const dataset = await openDataset(path, { labels: flags.labels });
    const models: Classifier[] = [];
    try {
      for (const model of names) models.push(await openClassifier({ ...flags, model }));
      const { out, classMap, realLabels, validLabels, orient, views, temperature } = flags;
      const results = out === undefined ? undefined : join(out, 'results.jsonl');
      const evaluations = await withDisplay(new ImageBar(), (onProgress, signal) =>
        evaluate(models, dataset, {
          ...{ classMap, realLabels, validLabels, orient, views, temperature, results, signal },
          onProgress: ({ done, total, rate, top1 }) => {
            const text = `top-1 ${top1.map((share) => `${(100 * share).toFixed(2)} %`).join(', ')}`;
            onProgress({ done, total, rate, text });
          },
        }),
      );
      if (out !== undefined)
        await writeSummaries(out, evaluations, dataset, { model: models[0]!, orient });
      if (flags.json) printJson(evaluations.map(summaryOf));
      else if (flags.csv) process.stdout.write(toCsv(evaluations));
      else print(showEvaluations(evaluations));
      noteLeftOut(evaluations[0]!);
      if (evaluations[0]!.unreadable.length > 0) process.exitCode = 1;
    } catch (error) {
      if (error instanceof Interruption && flags.out !== undefined) {
        note('Interrupted. Run the command again to evaluate the other images.');
      }
      throw error;
    } finally {
      await Promise.all(models.map((model) => model.close()));
    }
  });
}

async function writeSummaries(
  directory: string,
  evaluations: readonly Evaluation[],
  dataset: Dataset,
  options: ReportOptions,
): Promise<void> {
  const summary = `${JSON.stringify(evaluations.map(summaryOf), null, 2)}\n`;
  await writeOutput(join(directory, 'summary.json'), summary);
  await writeOutput(join(directory, 'results.csv'), toCsv(evaluations));
  await writeReport(join(directory, 'report.html'), evaluations, dataset, options);
}

function checkOneModel({ weights, classes, model }: EvaluateFlags): void {
  const [name, value] = weights === undefined ? ['--classes', classes] : ['--weights', weights];
  if (value === undefined) return;
  throw invalidValue(
    name,
    'one model',
    model,
    `Omit ${name}, or evaluate one model: it applies to one.`,
  );
}
