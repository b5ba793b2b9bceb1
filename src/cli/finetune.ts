import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { openDataset } from '../dataset';
import { summaryOf } from '../evaluate';
import { pick } from '../options';
import {
  finetune,
  writeTrainingReport,
  type EpochResult,
  type FinetunedModel,
  type FinetuneOptions,
  type FinetuneProgress,
  type Schedule,
} from '../train';
import { showEvaluations } from './evaluation-tables';
import { parsePositiveInteger } from './export';
import { ImageBar, type ImageProgress } from './image-progress';
import { noteLeftOut } from './left-out';
import { offerLibTorch } from './offer-libtorch';
import { Interruption, withDisplay, withProgress } from './progress';
import { note, print, printJson, table } from './terminal';
import { toValidation } from './to-validation';
import { withTrainingFlags } from './training-flags';

interface FinetuneFlags extends Omit<
  FinetuneOptions,
  'validation' | 'schedule' | 'augment' | 'onProgress' | 'onEpoch' | 'onHubProgress' | 'signal'
> {
  readonly labels?: string;
  readonly validation?: string;
  readonly schedule?: string;
  readonly balanced?: boolean;
  readonly trainCrop?: 'center' | 'pad';
  readonly colorJitter?: number;
  readonly randAugment?: number;
  readonly report?: string;
  readonly json?: boolean;
}

const optionNames = [
  ...(['model', 'out', 'weights', 'runDir', 'trainable', 'epochs', 'batchSize'] as const),
  ...(['accumulate', 'optimizer', 'lr', 'momentum', 'weightDecay', 'layerDecay'] as const),
  ...(['warmupEpochs', 'labelSmoothing', 'mixup', 'cutmix', 'ema', 'freezeBatchNorm'] as const),
  ...(['clipNorm', 'size', 'crop', 'precision', 'device', 'threads', 'seed', 'orient'] as const),
  ...(['shrinkOnLoad', 'hubDir', 'offline'] as const),
];

/** `semisup finetune DATASET` */
export function finetuneCommand(): Command {
  return withTrainingFlags(
    withFinetuneFlags(
      new Command('finetune')
        .description('train the layers of a model on your images')
        .argument(
          '<dataset>',
          'directory with one directory per class, list of `filename label`, .tar or .tar.gz, or pattern of these',
        )
        .addHelpText(
          'after',
          '\nThe state is saved after each epoch: a run that was interrupted goes on when the command is repeated.',
        ),
    ),
  ).action(async (path: string, flags: FinetuneFlags) => {
    const dataset = await openDataset(path, { labels: flags.labels });
    const validation = await toValidation(flags.validation);
    await offerLibTorch(flags);
    try {
      const trained = await withProgress((onHubProgress) =>
        withDisplay(new ImageBar(), (onProgress, signal) =>
          finetune(dataset, {
            ...pick(flags, optionNames),
            ...{ validation, schedule: toSchedule(flags.schedule), signal, onHubProgress },
            sampling: flags.balanced ? 'balanced' : undefined,
            augment: toAugment(flags),
            onProgress: (progress) => {
              onProgress(describeProgress(progress));
            },
          }),
        ),
      );
      if (flags.report !== undefined) await writeTrainingReport(flags.report, trained);
      if (flags.json) printJson(toJson(trained));
      else print(describe(trained));
      if (trained.evaluation) noteLeftOut(trained.evaluation);
    } catch (error) {
      if (error instanceof Interruption) {
        const isWritten = existsSync(flags.out) ? ` ${flags.out} has the best epoch so far.` : '';
        note(
          `Interrupted.${isWritten} Run the command again to go on after the last complete epoch.`,
        );
      }
      throw error;
    }
  });
}

function withFinetuneFlags(command: Command): Command {
  return command
    .option(
      '-m, --model <model>',
      'model name, see `semisup list`, or the path of a TorchScript file',
      'resnet50_swsl',
    )
    .requiredOption('-o, --out <file>', 'the TorchScript file that is written')
    .option('--weights <checkpoint>', 'path of your own checkpoint')
    .option('--run-dir <directory>', 'state of the run; by default that of --out, with .run')
    .addOption(
      new Option('--trainable <layers>', 'which layers are trained; all by default').choices([
        ...['head', 'last-stage', 'all'],
      ]),
    )
    .option('--epochs <count>', '10 by default', parsePositiveInteger)
    .option('--batch-size <images>', '32 by default', parsePositiveInteger)
    .option('--accumulate <batches>', 'batches of an update; 1 by default', parsePositiveInteger)
    .addOption(
      new Option('--optimizer <name>', 'sgd, with Nesterov momentum, by default').choices([
        ...['sgd', 'adamw'],
      ]),
    )
    .option('--lr <rate>', 'highest learning rate; 0.01 by default, of adamw 0.0001', Number)
    .option('--momentum <factor>', 'of sgd; 0.9 by default', Number)
    .option('--weight-decay <factor>', '0.0001 by default, of adamw 0.05', Number)
    .option('--layer-decay <factor>', 'learning rate of a stage to that of the next', Number)
    .option('--schedule <schedule>', 'cosine (default), constant, or epochs of drops, e.g. 30,60')
    .option('--warmup-epochs <count>', 'during which the learning rate rises', Number)
    .option('--label-smoothing <factor>', '0 by default', Number)
    .option('--mixup <alpha>', 'mixup; off by default', Number)
    .option('--cutmix <alpha>', 'CutMix; off by default', Number)
    .option('--ema <decay>', 'moving average of the weights; off by default', Number)
    .option('--freeze-batch-norm', 'keep the statistics of BatchNorm')
    .option('--clip-norm <norm>', 'maximum norm of the gradients', Number)
    .option('--balanced', 'draw images of each class with the same probability')
    .addOption(
      new Option(
        '--train-crop <crop>',
        'of training images: center, or pad for small ones; by default of random size and place',
      ).choices(['center', 'pad']),
    )
    .option('--color-jitter <strength>', 'of brightness, contrast and saturation', Number)
    .option('--rand-augment <magnitude>', 'RandAugment, e.g. 9; off by default', Number)
    .option('--report <file>', 'write the curves of the training as an HTML file');
}

function toSchedule(text: string | undefined): Schedule | undefined {
  if (text === undefined || !/^[\d.,]+$/.test(text)) return text as Schedule | undefined;
  return { milestones: text.split(',').map(Number) };
}

function toAugment({ trainCrop, colorJitter, randAugment }: FinetuneFlags): object {
  const strength = colorJitter;
  return {
    crop: trainCrop,
    ...(strength !== undefined && {
      colorJitter: { brightness: strength, contrast: strength, saturation: strength },
    }),
    ...(randAugment !== undefined && { randAugment: { magnitude: randAugment } }),
  };
}

function describeProgress({
  phase,
  epoch,
  epochs,
  loss,
  accuracy,
  ...counts
}: FinetuneProgress): ImageProgress {
  if (phase === 'read') return { ...counts, text: 'read' };
  const place = `epoch ${epoch}/${epochs}`;
  if (phase === 'validate') return { ...counts, text: `${place}, validation` };
  const live = `loss ${loss!.toFixed(3)}, ${percent(accuracy!)} %`;
  return { ...counts, text: `${place}  ${live}` };
}

function toJson({ evaluation, metadata, ...rest }: FinetunedModel): object {
  const { license, source } = metadata;
  const validation = evaluation && { validation: summaryOf(evaluation) };
  return { ...rest, license, source, ...validation };
}

function describe({ path, metadata, epochs, bestEpoch, evaluation }: FinetunedModel): string {
  const license = metadata.license ? `, license of the weights: ${metadata.license.name}` : '';
  return [
    epochTable(epochs),
    ...(evaluation ? ['', showEvaluations([evaluation])] : []),
    `${path}: epoch ${bestEpoch}, ${metadata.numClasses} classes${license}`,
  ].join('\n');
}

function epochTable(epochs: readonly EpochResult[]): string {
  const columns = ['epoch', 'lr', 'loss', 'accuracy', 'validation', 'NLL'].map((title) => ({
    ...{ title, right: true },
  }));
  const rows = epochs.map(({ epoch, lr, loss, accuracy, validation }) => [
    ...[String(epoch), lr.toPrecision(3), loss.toFixed(4), percent(accuracy)],
    ...(validation ? [percent(validation.top1), validation.nll.toFixed(4)] : ['', '']),
  ]);
  return table(columns, rows);
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}
