import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The repository. */
export const root = join(__dirname, '..', '..');

/** How a process ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a TypeScript program, which may import from `./src` and `./test`, in a process of its own. */
export async function runNode(
  program: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const evaluate = ['--require', 'tsx', '--eval', program, '--', ...args];
  return await ended(process.execPath, evaluate, env);
}

/** Runs the command `semisup`; with `hangUp` its output is not read on after the first of it. */
export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  { hangUp = false } = {},
): Promise<Ended> {
  const command = join(root, 'src', 'cli', 'index.ts');
  return await ended(process.execPath, ['--require', 'tsx', command, ...args], env, hangUp);
}

/** Runs one of `examples/`, which import the package as it was built last. */
export async function runExample(name: string, args: readonly string[]): Promise<Ended> {
  return await ended(process.execPath, [join(root, 'examples', name), ...args], process.env);
}

async function ended(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  hangUp = false,
): Promise<Ended> {
  const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (hangUp) child.stdout.destroy();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}
