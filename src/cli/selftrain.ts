import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openDataset } from '../dataset';
import type { Proportion } from '../evaluate';
import { errorReason } from '../net/error-reason';
import { pick } from '../options';
import {
  selftrain,
  type SelftrainedModel,
  type SelftrainOptions,
  type SelftrainProgress,
  type SelftrainStep,
  type StepName,
  type TrainingStep,
} from '../selftrain';
import type { TrainingImages } from '../train';
import { parsePositiveInteger } from './export';
import { ImageBar, type ImageProgress } from './image-progress';
import { offerLibTorch } from './offer-libtorch';
import { Interruption, withDisplay, withProgress } from './progress';
import { note, print, printJson, table } from './terminal';
import { toValidation } from './to-validation';
import { withTrainingFlags } from './training-flags';

interface SelftrainFlags extends Pick<SelftrainOptions, (typeof optionNames)[number]> {
  readonly pool: readonly string[];
  readonly labels?: string;
  readonly validation?: string;
  readonly weak?: string;
  readonly tags?: string;
  readonly unbalanced?: boolean;
  readonly epochs?: number;
  readonly pretrainEpochs?: number;
  readonly training?: SelftrainOptions['training'];
  readonly json?: boolean;
}

const optionNames = [
  ...(['out', 'runDir', 'teacher', 'student', 'classesPerImage', 'imagesPerClass'] as const),
  ...(['imagesPerShard', 'until', 'size', 'crop', 'precision', 'device', 'threads'] as const),
  ...(['seed', 'orient', 'shrinkOnLoad', 'hubDir', 'offline'] as const),
];

/** `semisup selftrain LABELED` */
export function selftrainCommand(): Command {
  return withTrainingFlags(
    withSelftrainFlags(
      new Command('selftrain')
        .description('train a model with unlabeled images, which a teacher labels')
        .argument(
          '<labeled>',
          'labeled images: directory with one directory per class, list of `filename label`, .tar or .tar.gz',
        )
        .addHelpText(
          'after',
          '\nEach step is kept in the directory of the run: one that was interrupted goes on when the command is repeated.',
        ),
    ),
  ).action(async (path: string, flags: SelftrainFlags, command: Command) => {
    if ((flags.weak === undefined) !== (flags.tags === undefined)) {
      command.error('error: --weak and --tags belong together');
    }
    const labeled = await openDataset(path, { labels: flags.labels });
    const validation = await toValidation(flags.validation);
    await offerLibTorch(flags);
    try {
      const trained = await withProgress((onHubProgress) =>
        withDisplay(new ImageBar(), (onProgress, signal) =>
          selftrain(labeled, {
            ...pick(flags, optionNames),
            ...{ pool: flags.pool, validation, balanced: !flags.unbalanced, signal, onHubProgress },
            weak: flags.weak === undefined ? undefined : { images: flags.weak, table: flags.tags! },
            training: toTraining(flags),
            onProgress: (progress) => {
              onProgress(describeProgress(progress));
            },
          }),
        ),
      );
      if (flags.json) printJson(trained);
      else print(describe(trained));
    } catch (error) {
      if (error instanceof Interruption) {
        note('Interrupted. Run the command again to go on with the step that is not complete.');
      }
      throw error;
    }
  });
}

function withSelftrainFlags(command: Command): Command {
  return command
    .requiredOption('--pool <dataset...>', 'unlabeled images: directories, lists or archives')
    .requiredOption('-o, --out <file>', 'the TorchScript file of the student that is written')
    .option('--run-dir <directory>', 'directory of the run; by default --out followed by .run')
    .option('--teacher <model>', 'model that is fine-tuned as the teacher', 'resnet50_swsl')
    .option('--student <model>', 'model, or an architecture with random weights', 'resnet18')
    .option(
      '-k, --images-per-class <count>',
      'images that are selected for each class; by default 16 % of the pool in all',
      parsePositiveInteger,
    )
    .option(
      '-p, --classes-per-image <count>',
      'number of its most probable classes that an image may be selected for; 10 by default',
      parsePositiveInteger,
    )
    .option('--unbalanced', 'select the highest scores of all classes together')
    .option(
      '--weak <dataset>',
      'images with tags, on which the teacher is trained first; lists separate name and tags by a tab',
    )
    .option('--tags <table>', 'text file with a tag and its class on each line')
    .addOption(
      new Option('--until <step>', 'last step that is done').choices([
        ...(['weak', 'teacher', 'score', 'select', 'pretrain', 'finetune'] satisfies StepName[]),
      ]),
    )
    .option('--epochs <count>', 'of the trainings with true labels', parsePositiveInteger)
    .option('--pretrain-epochs <count>', 'of the other trainings', parsePositiveInteger)
    .option('--training <file>', 'JSON with the options of finetune() for each step', readJson)
    .option('--images-per-shard <count>', 'images of a score file', parsePositiveInteger);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new InvalidArgumentError(`It could not be read as JSON: ${errorReason(cause)}.`);
  }
}

/** The options of the steps: those of the file, and numbers of epochs. */
function toTraining({
  training = {},
  epochs,
  pretrainEpochs,
}: SelftrainFlags): SelftrainOptions['training'] {
  // It is checked as an option of the API, whatever the file contains.
  if (!isObject(training)) return training;
  const withEpochs = (step: TrainingStep, count: number | undefined) => {
    const own = training[step] ?? {};
    return count === undefined || !isObject(own) ? {} : { [step]: { ...own, epochs: count } };
  };
  return {
    ...training,
    ...withEpochs('weak', pretrainEpochs),
    ...withEpochs('teacher', epochs),
    ...withEpochs('pretrain', pretrainEpochs),
    ...withEpochs('finetune', epochs),
  };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function describeProgress({
  step,
  phase,
  epoch,
  epochs,
  loss,
  accuracy,
  ...counts
}: SelftrainProgress): ImageProgress {
  if (phase === 'run') return { ...counts, text: step };
  if (phase === 'read') return { ...counts, text: `${step}, read` };
  const place = `${step}, epoch ${epoch}/${epochs}`;
  if (phase === 'validate') return { ...counts, text: `${place}, validation` };
  return { ...counts, text: `${place}  loss ${loss!.toFixed(3)}, ${percent(accuracy!)} %` };
}

function describe({ path, runDir, steps }: SelftrainedModel): string {
  const columns = [
    { title: 'step' },
    { title: 'seconds', right: true },
    { title: 'validation', right: true },
    { title: '95 % interval', right: true },
    { title: 'result' },
  ];
  const rows = steps.map((one) => [
    ...[one.step, String(one.seconds), ...accuracyOf(one)],
    describeResult(one),
  ]);
  const where = path === undefined ? '' : `\n${path}: the student`;
  return `${table(columns, rows)}\n${runDir}: manifest.json, the pages select/selection.html and training.html of each training${where}`;
}

function accuracyOf({ result: { validation } }: SelftrainStep): string[] {
  if (validation === undefined) return ['', ''];
  const { share, interval } = (validation as { readonly top1: Proportion }).top1;
  return [percent(share), interval.map(percent).join(' to ')];
}

function describeResult({ step, result }: SelftrainStep): string {
  if (step === 'score') {
    return `${String(result.scored)} images, ${String(result.unreadable)} unreadable`;
  }
  if (step === 'select') {
    const empty = result.emptyClasses as readonly string[];
    const missing = empty.length === 0 ? '' : `; none of ${empty.join(', ')}`;
    return `${String(result.images)} images, up to ${String(result.imagesPerClass)} of each class${missing}`;
  }
  const { count, unreadable, unlabeled } = result.images as TrainingImages;
  const leftOut = unreadable + unlabeled;
  const others = leftOut === 0 ? '' : `; ${leftOut} left out`;
  return `${String(result.epochs)} epochs of ${count} images${others}`;
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}
