import type { Command } from 'commander';
import { parsePositiveInteger } from './export';

/** The flags that all trainings have. */
export function withTrainingFlags(command: Command): Command {
  return command
    .option('--labels <file>', 'labels of a flat directory: a list, or a ground-truth file')
    .option('--validation <dataset>', 'images to judge by: a dataset, or a share; 0.1 by default')
    .option('--size <pixels>', "side of the model's input; its own by default, e.g. 224", Number)
    .option('--crop <fraction>', 'of the shorter side that the model sees when used', Number)
    .option('--precision <precision>', 'float32 (default), or bfloat16')
    .option('--device <device>', 'auto, cpu, cuda or cuda:<index>', 'auto')
    .option('--threads <count>', 'that compute a step', parsePositiveInteger)
    .option('--seed <number>', 'of all random numbers; 0 by default', Number)
    .option('--shrink-on-load', 'decode large JPEGs of the training at a fraction of their size')
    .option('--orient', 'rotate images according to their EXIF orientation')
    .option('--hub-dir <directory>', 'cache directory; that of torch.hub by default')
    .option('--offline', 'use only the cache')
    .option('--json', 'print JSON');
}
