import type { Command } from 'commander';
import { pickModelOptions, type ModelOptions } from '../classify';
import type { LoadOptions } from '../hub';

/** The options of commands that run a model; `hub.load` checks their values. */
export interface RunFlags extends Pick<
  ModelOptions,
  'device' | 'precision' | 'tolerance' | 'plan' | 'decode'
> {
  readonly model: string;
  readonly weights?: string;
}

/** What `hub.load` takes of them. */
export function toLoadOptions(flags: RunFlags): Pick<LoadOptions, 'weights' | keyof ModelOptions> {
  return { ...pickModelOptions(flags), weights: flags.weights };
}

/** Adds the options of commands that run a model. */
export function withRunFlags(command: Command): Command {
  return command
    .option('-m, --model <name>', 'one of `semisup list`', 'resnet50_swsl')
    .option('--weights <checkpoint>', 'a checkpoint of your own')
    .option('--device <device>', 'auto, cpu, cuda or cuda:<index>', 'auto')
    .option(
      '--precision <precision>',
      'float32, bfloat16, auto; int8 on the CPU; float16, tf32 on a GPU',
    )
    .option(
      '--tolerance <part>',
      'with auto: by how much of the largest logit they may differ',
      Number,
    )
    .option('--plan <plan>', 'how the fastest way is found: auto, tune, default or interpreter')
    .option('--decode <where>', 'where JPEGs are decoded: cpu, or on a GPU gpu');
}
