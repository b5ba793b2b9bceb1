import { Command, InvalidArgumentError, Option } from 'commander';
import type { Classifier } from '../classify';
import { OptionError } from '../errors';
import { hub, type LoadOptions } from '../hub';
import { Tensor, type DeviceName } from '../native';
import { checkPlanOptions, openDevice, precisionsOf, type Plan, type Precision } from '../torch';
import { parsePositiveInteger } from './export';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { offerLibTorch } from './offer-libtorch';
import { bold, describeError, dim, note, print, printJson, table } from './terminal';
import { measureInterleaved } from './interleave';

interface BenchFlags extends HubFlags {
  readonly device: DeviceName;
  readonly precision?: readonly Precision[];
  readonly batch: readonly number[];
  readonly seconds: number;
  readonly threads?: number;
  readonly size?: number;
  readonly weights?: string;
  readonly json?: boolean;
}

/** The measurement of a model in one precision with one batch size. */
interface Row {
  readonly model: string;
  readonly precision: Precision;
  readonly plan: Plan;
  readonly batch: number;
  /** Median milliseconds per batch. */
  readonly ms: number;
  readonly imagesPerSecond: number;
  /** The speed relative to the interpreter. */
  readonly speedup: number;
}

/** `semisup bench MODEL…` */
export function benchCommand(): Command {
  return withHubFlags(
    new Command('bench')
      .description('measure the speed of models with and without plans')
      .argument('<model...>')
      .option('--device <device>', 'auto, cpu, cuda or cuda:<index>', 'cpu')
      .addOption(
        new Option('--precision <list>', 'precisions, separated by commas')
          .argParser(parseList)
          .default(undefined, 'all that the device supports'),
      )
      .addOption(
        new Option('--batch <list>', 'batch sizes, separated by commas')
          .argParser(parseCounts)
          .default([1, 8], '1,8'),
      )
      .option('--seconds <seconds>', 'duration of each measurement', parseSeconds, 3)
      .option('--threads <count>', 'number of intra-op threads', parsePositiveInteger)
      .option('--size <pixels>', "side of the model's input; its own by default", Number)
      .option('--weights <checkpoint>', 'path of your own checkpoint')
      .option('--json', 'print JSON'),
  ).action(async (models: string[], flags: BenchFlags) => {
    for (const precision of flags.precision ?? []) checkPlanOptions({ precision });
    await offerLibTorch(flags);
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
  const { weights, threads, size, device } = flags;
  const precisions = flags.precision ?? precisionsOf(await openDevice(device)).toReversed();
  const load = (options: LoadOptions) =>
    withHub(flags, (more) =>
      hub.load(model, { ...more, ...options, device, weights, threads, size }),
    );
  const classifiers: Classifier[] = [];
  try {
    classifiers.push(await load({ plan: 'interpreter' }));
    for (const precision of precisions) {
      const planned = await undefinedIfUnsupported(load({ precision }));
      if (!planned) continue;
      classifiers.push(planned);
      await planned.whenTuned();
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

/** Reports a precision that the model or the processor does not support. */
async function undefinedIfUnsupported(
  loading: Promise<Classifier>,
): Promise<Classifier | undefined> {
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
  // All models run on one device: only the forward is measured, not the copy of the input.
  using input = tensor.to({ device: classifiers[0]!.plan.device as DeviceName });
  const tasks = classifiers.map((classifier) => async () => {
    (await classifier.forward(input)).dispose();
  });
  const times = await measureInterleaved(tasks, seconds);
  return classifiers.map(({ plan }, i) => ({
    model,
    precision: plan.precision,
    plan,
    batch,
    ms: times[i]!,
    imagesPerSecond: (1000 * batch) / times[i]!,
    speedup: times[0]! / times[i]!,
  }));
}

function show(model: string, rows: readonly Row[]): string {
  const columns = [
    { title: 'precision' },
    { title: 'plan' },
    { title: 'batch', right: true },
    { title: 'ms', right: true },
    { title: 'images/s', right: true },
    { title: 'speedup', right: true },
  ];
  const cells = rows.map(({ precision, plan, batch, ms, imagesPerSecond, speedup }) => [
    precision,
    plan.kind,
    String(batch),
    ms.toFixed(1),
    imagesPerSecond.toFixed(1),
    speedup.toFixed(2),
  ]);
  const plans = new Set(rows.map(({ plan }) => plan));
  const reasons = [...plans].map(({ kind, precision, reason }) =>
    dim(`${precision}, ${kind}: ${reason}`),
  );
  return [bold(model), table(columns, cells), ...reasons, ''].join('\n');
}

function parseList(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

function parseCounts(text: string): number[] {
  return parseList(text).map(parsePositiveInteger);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('Expected a positive number of seconds, at most 3600.');
}
