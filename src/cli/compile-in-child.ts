import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ModelError } from '../errors';

/**
 * Runs `semisup compile` for an instruction set in a child process, because a process has one. What the child prints
 * to stderr is shown.
 *
 * @throws ModelError if it fails
 */
export async function compileInChild(set: string, args: readonly string[]): Promise<void> {
  const [, command] = process.argv;
  const flags = [...process.execArgv, command!, 'compile', ...args, '--cpu', set];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (code === 0) return;
  throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what: `The model could not be compiled for ${set}: its process ended with ${signal ?? code}.`,
    remedy: 'The messages above say why.',
    value: set,
  });
}
