import type { Command } from 'commander';
import type { DeviceName, PlanMode, Precision } from '../torch';

/** The options of commands that run a model; their values are checked where they are used. */
export interface RunFlags {
  readonly model: string;
  readonly weights?: string;
  readonly device: DeviceName;
  readonly precision?: Precision | 'auto';
  readonly tolerance?: number;
  readonly plan?: PlanMode;
  readonly decode?: 'cpu' | 'gpu';
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
    .option('--plan <plan>', 'how the fastest way is found: auto, tune, default or plain')
    .option('--decode <where>', 'where JPEGs are decoded: cpu, or on a GPU gpu');
}
