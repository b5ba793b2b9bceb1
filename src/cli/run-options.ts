import type { Command } from 'commander';
import { pickModelOptions, type ModelOptions } from '../classify';
import type { LoadOptions } from '../hub';

/** The options of commands that run a model; `hub.load` checks their values. */
export interface RunFlags extends Pick<
  ModelOptions,
  'device' | 'precision' | 'tolerance' | 'plan' | 'decode' | 'size' | 'crop'
> {
  readonly model: string;
  readonly weights?: string;
  readonly classes?: string;
}

/** The description of the images that a command takes. */
export const imageArgument = 'paths, directories, patterns, http(s) URLs, or - for standard input';

/** Converts the flags to options of `hub.load`. */
export function toLoadOptions(flags: RunFlags): Pick<LoadOptions, 'weights' | keyof ModelOptions> {
  return { ...pickModelOptions(flags), weights: flags.weights };
}

/** Adds the options of commands that run a model of any kind. */
export function withRunFlags(command: Command): Command {
  return withModelFlags(
    command,
    'model name, see `semisup list`, or the path of a TorchScript file or a compiled model',
  )
    .option('--classes <file>', 'with a TorchScript file: its class names, one per line')
    .option('--decode <where>', 'device that decodes JPEGs: cpu or gpu');
}

/**
 * Adds the options for a model, and how it runs.
 *
 * @param models which models the command takes
 */
export function withModelFlags(command: Command, models: string): Command {
  return command
    .option('-m, --model <model>', models, 'resnet50_swsl')
    .option('--weights <checkpoint>', 'path of your own checkpoint')
    .option('--device <device>', 'auto, cpu, cuda or cuda:<index>', 'auto')
    .option(
      '--precision <precision>',
      'float32, bfloat16, auto; int8 on the CPU; float16, tf32 on a GPU',
    )
    .option(
      '--tolerance <ratio>',
      'with auto: allowed difference relative to the largest logit',
      Number,
    )
    .option('--plan <plan>', 'how the plan is chosen: auto, tune, untuned or interpreter')
    .option('--size <pixels>', "side of the model's input; its own by default, e.g. 224", Number)
    .option('--crop <fraction>', 'of the shorter side that it sees, e.g. 0.875 or 1', Number);
}
