import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The repository root. */
export const root = join(__dirname, '..', '..');

/** What Node requires first to run TypeScript, which starts much faster than with tsx. */
export const typescript = join(__dirname, 'typescript.cjs');

/** The exit status and output of a process. */
export interface ProcessResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a TypeScript program, which may import from `./src` and `./test`, in a child process. */
export async function runNode(
  program: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ProcessResult> {
  const evaluate = ['--require', typescript, '--eval', program, '--', ...args];
  return await runProcess(process.execPath, evaluate, env);
}

/** The streams of a child process. */
interface Streams {
  /** Closes stdout after the first chunk. */
  readonly hangUp?: boolean;
  /** Written to stdin. */
  readonly input?: Uint8Array;
}

/** Runs the command `semisup`. */
export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  streams: Streams = {},
): Promise<ProcessResult> {
  const command = join(root, 'src', 'cli', 'index.ts');
  const all = ['--require', typescript, command, ...args];
  return await runProcess(process.execPath, all, env, streams);
}

/** Runs one of `examples/`, which import the last build of the package. */
export async function runExample(name: string, args: readonly string[]): Promise<ProcessResult> {
  return await runScript(join('examples', name), args);
}

/** Runs a script of the repository, which imports the last build of the package. */
export async function runScript(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ProcessResult> {
  return await runProcess(process.execPath, [join(root, name), ...args], env);
}

async function runProcess(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  { hangUp = false, input }: Streams = {},
): Promise<ProcessResult> {
  const child = spawn(file, args, { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
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
