import { Command, InvalidArgumentError, Option } from 'commander';
import type { Classifier } from '../classify';
import { OptionError } from '../errors';
import { hub, type LoadOptions } from '../hub';
import {
  checkPlanOptions,
  openDevice,
  precisionsOf,
  Tensor,
  type DeviceName,
  type Plan,
  type Precision,
} from '../torch';
import { positive } from './export';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { bold, describeError, dim, note, print, printJson, table } from './terminal';
import { takeTurns } from './turns';

interface BenchFlags extends HubFlags {
  readonly device: DeviceName;
  readonly precision?: readonly Precision[];
  readonly batch: readonly number[];
  readonly seconds: number;
  readonly threads?: number;
  readonly weights?: string;
  readonly json?: boolean;
}

/** What was measured of a model in a precision, with a batch. */
interface Row {
  readonly model: string;
  readonly precision: Precision;
  readonly plan: Plan;
  readonly batch: number;
  /** Milliseconds that a batch takes, the median. */
  readonly ms: number;
  readonly imagesPerSecond: number;
  /** How many times as fast as the plain model. */
  readonly timesPlain: number;
}

/** `semisup bench MODEL…` */
export function benchCommand(): Command {
  return withHubFlags(
    new Command('bench')
      .description('how fast models run here, by their plans and without')
      .argument('<model...>')
      .option('--device <device>', 'auto, cpu, cuda or cuda:<index>', 'cpu')
      .addOption(
        new Option('--precision <list>', 'which precisions, with commas between them')
          .argParser(list)
          .default(undefined, 'all that the device has'),
      )
      .addOption(
        new Option('--batch <list>', 'how many images at a time')
          .argParser(counts)
          .default([1, 8], '1,8'),
      )
      .option('--seconds <seconds>', 'for how long each is measured', duration, 3)
      .option('--threads <count>', 'how many threads an operator uses', positive)
      .option('--weights <checkpoint>', 'a checkpoint of your own')
      .option('--json', 'print JSON'),
  ).action(async (models: string[], flags: BenchFlags) => {
    for (const precision of flags.precision ?? []) checkPlanOptions({ precision });
    const all: Row[] = [];
    for (const model of models) {
      const rows = await bench(model, flags);
      if (flags.json) all.push(...rows);
      else print(show(model, rows));
    }
    if (flags.json) printJson(all);
  });
}

async function bench(model: string, flags: BenchFlags): Promise<Row[]> {
  const { weights, threads, device } = flags;
  const precisions = flags.precision ?? precisionsOf(await openDevice(device)).toReversed();
  const load = (options: LoadOptions) =>
    withHub(flags, (more) => hub.load(model, { ...more, ...options, device, weights, threads }));
  const classifiers: Classifier[] = [];
  try {
    classifiers.push(await load({ plan: 'interpreter' }));
    for (const precision of precisions) {
      const planned = await unlessRefused(load({ precision }));
      if (planned) classifiers.push(planned);
    }
    const rows: Row[] = [];
    for (const batch of flags.batch) {
      rows.push(...(await measure(model, classifiers, batch, flags)));
    }
    return rows;
  } finally {
    await Promise.all(classifiers.map((classifier) => classifier.close()));
  }
}

/** A precision that the model or the processor does not have is told of. */
async function unlessRefused(loading: Promise<Classifier>): Promise<Classifier | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    note(describeError(error));
    return undefined;
  }
}

async function measure(
  model: string,
  classifiers: readonly Classifier[],
  batch: number,
  { seconds }: BenchFlags,
): Promise<Row[]> {
  const { crop } = classifiers[0]!.metadata.transform;
  const shape = [batch, 3, crop, crop];
  const values = Float32Array.from({ length: batch * 3 * crop * crop }, (_, i) => Math.sin(i));
  using tensor = Tensor.from(values, shape);
  // All run on one device; what is measured is the forward alone.
  using input = tensor.to({ device: classifiers[0]!.plan.device as DeviceName });
  const works = classifiers.map((classifier) => async () => {
    (await classifier.forward(input)).dispose();
  });
  const times = await takeTurns(works, seconds);
  return classifiers.map(({ plan }, i) => ({
    model,
    precision: plan.precision,
    plan,
    batch,
    ms: times[i]!,
    imagesPerSecond: (1000 * batch) / times[i]!,
    timesPlain: times[0]! / times[i]!,
  }));
}

function show(model: string, rows: readonly Row[]): string {
  const columns = [
    { title: 'precision' },
    { title: 'plan' },
    { title: 'batch', right: true },
    { title: 'ms', right: true },
    { title: 'images/s', right: true },
    { title: 'vs. interpreter', right: true },
  ];
  const cells = rows.map(({ precision, plan, batch, ms, imagesPerSecond, timesPlain }) => [
    precision,
    plan.kind,
    String(batch),
    ms.toFixed(1),
    imagesPerSecond.toFixed(1),
    timesPlain.toFixed(2),
  ]);
  const plans = new Set(rows.map(({ plan }) => plan));
  const reasons = [...plans].map(({ kind, precision, reason }) =>
    dim(`${precision}, ${kind}: ${reason}`),
  );
  return [bold(model), table(columns, cells), ...reasons, ''].join('\n');
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

function counts(text: string): number[] {
  return list(text).map(positive);
}

function duration(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('Expected a number of seconds, up to 3600.');
}
