import { InvalidArgumentError, Option, type Command } from 'commander';
import { viewCounts } from '../image';
import type { Views } from '../types';

/** The options of commands that can average over views of an image. */
export interface ViewFlags {
  readonly views?: Views;
}

/** Adds the option for the views of an image. */
export function withViewFlags(command: Command): Command {
  return command.addOption(
    new Option('--views <views>', "views over which the model's output is averaged").choices(
      Object.keys(viewCounts),
    ),
  );
}

/** Adds the option for the temperature of softmax. */
export function withTemperatureFlag(command: Command): Command {
  return command.option(
    '--temperature <divisor>',
    'divisor of the logits before softmax; 1 by default',
    parseTemperature,
  );
}

function parseTemperature(text: string): number {
  const temperature = Number(text);
  if (temperature > 0 && Number.isFinite(temperature)) return temperature;
  throw new InvalidArgumentError('Expected a number above 0.');
}
