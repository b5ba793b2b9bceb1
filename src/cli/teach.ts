import { Command, InvalidArgumentError, Option } from 'commander';
import { openDataset } from '../dataset';
import { summaryOf } from '../evaluate';
import { pick } from '../options';
import { writeReport } from '../report';
import { teach, type TaughtModel, type TeachOptions } from '../teach';
import { showEvaluations } from './evaluation-tables';
import { parsePositiveInteger } from './export';
import { withHubFlags, type HubFlags } from './hub-options';
import { ImageBar } from './image-progress';
import { noteLeftOut } from './left-out';
import { offerLibTorch } from './offer-libtorch';
import { Interruption, withDisplay, withProgress } from './progress';
import { withModelFlags } from './run-options';
import { bold, note, print, printJson, table } from './terminal';

interface TeachFlags
  extends HubFlags, Omit<TeachOptions, 'onProgress' | 'onHubProgress' | 'signal' | 'limits'> {
  readonly labels?: string;
  readonly report?: string;
  readonly json?: boolean;
}

/** The label issues that are printed; `--json` has all. */
const maxIssues = 20;

const optionNames = [
  ...(['model', 'weights', 'device', 'precision', 'tolerance', 'plan', 'size', 'crop'] as const),
  ...(['hubDir', 'forceReload', 'offline'] as const),
  ...(['out', 'folds', 'seed', 'c', 'classWeight', 'orient'] as const),
];

/** `semisup teach DATASET` */
export function teachCommand(): Command {
  return withHubFlags(
    withModelFlags(
      new Command('teach')
        .description('teach a model the classes of your images')
        .argument(
          '<dataset>',
          'directory with one directory per class, list of `filename label`, .tar or .tar.gz, or pattern of these',
        )
        .addHelpText(
          'after',
          '\nReplaces the last layer by one for the labels of the images. Embeddings are cached: another run computes those of new images only.',
        ),
      'model name, see `semisup list`, or the path of a TorchScript file with its architecture',
    )
      .requiredOption('-o, --out <file>', 'the TorchScript file that is written')
      .option('--labels <file>', 'labels of a flat directory: a list, or a ground-truth file')
      .option(
        '--folds <count>',
        'parts for the cross-validation; 5 by default',
        parsePositiveInteger,
      )
      .option('--seed <number>', 'which images are in which part; 0 by default', parseInteger)
      .option(
        '--c <number>',
        'inverse strength of the regularization; by cross-validation by default',
        Number,
      )
      .addOption(
        new Option('--class-weight <weights>', 'balanced: rare classes count as much').choices([
          'balanced',
        ]),
      )
      .option('--orient', 'rotate images according to their EXIF orientation')
      .option('--report <file>', 'write the cross-validation as an HTML file')
      .option('--json', 'print JSON'),
  ).action(async (path: string, flags: TeachFlags) => {
    const { labels, report, orient } = flags;
    const dataset = await openDataset(path, { labels });
    await offerLibTorch(flags);
    try {
      const taught = await withProgress((onHubProgress) =>
        withDisplay(new ImageBar(), (onProgress, signal) =>
          teach(dataset, {
            ...pick(flags, optionNames),
            ...{ signal, onHubProgress },
            onProgress: ({ phase, ...progress }) => {
              onProgress({ ...progress, ...(phase === 'solve' && { unit: 'fits' }) });
            },
          }),
        ),
      );
      if (report !== undefined) await writeReport(report, taught.evaluation, dataset, { orient });
      if (flags.json) printJson(toJson(taught));
      else print(describe(taught));
      noteLeftOut(taught.evaluation);
    } catch (error) {
      if (error instanceof Interruption) {
        note('Interrupted. Run the command again: the embeddings computed so far are kept.');
      }
      throw error;
    }
  });
}

function toJson({ evaluation, metadata, ...rest }: TaughtModel): object {
  const { license, source } = metadata;
  return { ...rest, license, source, crossValidation: summaryOf(evaluation) };
}

function describe(taught: TaughtModel): string {
  const { path, metadata, evaluation, temperature, uncalibratedEce, c, embedded, duration } =
    taught;
  const { calibration } = evaluation;
  const percent = (share: number) => (100 * share).toFixed(2);
  const seconds = (one: number) => `${one.toFixed(1)} s`;
  const facts = [
    'Each image is judged by a model that did not learn from it.',
    `Regularization: C = ${c.toPrecision(3)}. Temperature: ${temperature.toFixed(3)}; ECE ${percent(calibration.ece)} %, without it ${percent(uncalibratedEce)} %.`,
    `${embedded} embeddings computed in ${seconds(duration.embed)}, the last layer in ${seconds(duration.solve)}.`,
  ];
  const license = metadata.license ? `, license of the weights: ${metadata.license.name}` : '';
  return [
    showEvaluations([evaluation]),
    ...facts,
    ...labelIssues(taught),
    `\n${path}: ${metadata.numClasses} classes${license}`,
  ].join('\n');
}

function labelIssues({ labelIssues: issues }: TaughtModel): string[] {
  if (issues.length === 0) return [];
  const columns = [
    { title: 'label' },
    { title: 'probability', right: true },
    { title: 'suggested' },
    { title: 'probability', right: true },
    { title: 'image' },
  ];
  const rows = issues
    .slice(0, maxIssues)
    .map(({ name, label, suggested, probability, suggestedProbability }) => [
      ...[label, probability.toFixed(3), suggested, suggestedProbability.toFixed(3), name],
    ]);
  const rest = issues.length - rows.length;
  return [
    `\n${bold('Labels that may be wrong')}`,
    table(columns, rows),
    ...(rest > 0 ? [`and ${rest} more, see --json`] : []),
  ];
}

function parseInteger(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Expected an integer.');
}
