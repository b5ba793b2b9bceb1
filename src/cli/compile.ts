import { mkdtemp, rm } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { Command } from 'commander';
import type { CompileOptions } from '../classify';
import { OptionError } from '../errors';
import type { ImageInput } from '../image';
import { openEngine } from '../native';
import { compileInChild } from './compile-in-child';
import { withHubFlags, type HubFlags } from './hub-options';
import { expandImages } from './image-arguments';
import { openClassifier } from './open-classifier';
import type { RunFlags } from './run-options';
import { note, print, printJson } from './terminal';

interface CompileFlags extends HubFlags, Pick<RunFlags, 'weights' | 'classes' | 'size' | 'crop'> {
  readonly output?: string;
  readonly precision: NonNullable<CompileOptions['precision']>;
  readonly cpu?: string;
  readonly calibration?: string[];
  readonly json?: boolean;
}

/** The extension of compiled models. */
const extension = '.semisup';

/** `semisup compile MODEL` */
export function compileCommand(): Command {
  return withHubFlags(
    new Command('compile')
      .description('compile a model into one file, which runs without LibTorch')
      .argument('<model>', 'model name, see `semisup list`, or the path of a TorchScript file')
      .option('-o, --output <file>', `output file; <model>${extension} by default`)
      .option('--precision <precision>', 'float32, bfloat16 or int8', 'float32')
      .option(
        '--cpu <sets>',
        'instruction sets of this processor to compile for, e.g. avx2,avx512; the best one by default',
      )
      .option('--calibration <images...>', 'with int8: representative images, 8 to 100')
      .option('--size <pixels>', "side of the model's input; its own by default", Number)
      .option('--crop <fraction>', 'of the shorter side that the model sees, e.g. 1', Number)
      .option('--weights <checkpoint>', 'path of your own checkpoint')
      .option('--classes <file>', 'with a TorchScript file: its class names, one per line')
      .option('--json', 'print JSON'),
  ).action(async (model: string, flags: CompileFlags) => {
    const output = flags.output ?? `${basename(model, extname(model))}${extension}`;
    const [first, ...others] = setsOf(flags.cpu);
    // Before the addons are loaded, which read it.
    if (first !== undefined) process.env.SEMISUP_CPU = first;
    checkInUse(first);
    const directory = await mkdtemp(join(tmpdir(), 'semisup-compile-'));
    try {
      const merge: string[] = [];
      for (const set of others) {
        note(`Compiling for ${set}`);
        const file = join(directory, `${set}${extension}`);
        await compileInChild(set, [model, '--output', file, ...argumentsOf(flags)]);
        merge.push(file);
      }
      if (others.length > 0) note(`Compiling for ${first}`);
      const path = await compile(model, output, merge, flags);
      if (flags.json) printJson({ model, path });
      else print(path);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

async function compile(
  model: string,
  output: string,
  merge: readonly string[],
  flags: CompileFlags,
): Promise<string> {
  const { precision, calibration } = flags;
  const images = calibration && (await readImages(calibration));
  const classifier = await openClassifier({
    ...flags,
    model,
    device: 'cpu',
    plan: 'untuned',
    ...(images && { calibration: images }),
  });
  try {
    return await classifier.compile(output, { precision, merge });
  } finally {
    await classifier.close();
  }
}

async function readImages(names: readonly string[]): Promise<ImageInput[]> {
  const images: ImageInput[] = [];
  for await (const { read } of expandImages(names)) images.push(read());
  return images;
}

/** The instruction sets of `--cpu`; none for the best one. */
function setsOf(cpu: string | undefined): string[] {
  return [...new Set(cpu?.split(',').map((set) => set.trim()))];
}

/** @throws OptionError if the processor does not have the instruction set */
function checkInUse(set: string | undefined): void {
  if (set === undefined) return;
  const { instructionSet } = openEngine();
  if (instructionSet === set) return;
  throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: `This processor does not have the instruction set ${set} of --cpu: the best one up to it is ${instructionSet}.`,
    remedy: 'Compile on a machine that has it: what is fastest is measured.',
    value: set,
  });
}

/** The flags for another instruction set. */
function argumentsOf(flags: CompileFlags): string[] {
  const { precision, calibration, size, crop, weights, classes, ...hub } = flags;
  return [
    ...['--precision', precision],
    ...(calibration ? ['--calibration', ...calibration] : []),
    ...(size === undefined ? [] : ['--size', String(size)]),
    ...(crop === undefined ? [] : ['--crop', String(crop)]),
    ...(weights === undefined ? [] : ['--weights', weights]),
    ...(classes === undefined ? [] : ['--classes', classes]),
    ...(hub.hubDir === undefined ? [] : ['--hub-dir', hub.hubDir]),
    ...(hub.offline ? ['--offline'] : []),
  ];
}
