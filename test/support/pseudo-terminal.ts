import { spawn, spawnSync } from 'node:child_process';
import { root, typescript, type ProcessResult } from './run-node';

/** Why programs cannot be run in a pseudo-terminal here, or undefined. */
export function noPseudoTerminal(): string | undefined {
  if (process.platform !== 'linux') return 'the command script has other options';
  return spawnSync('script', ['--version']).error && 'script of util-linux is not installed';
}

/**
 * Runs a TypeScript program whose standard streams are a terminal. When it has printed the first text of
 * `dialog`, the second one is typed. stdout is all that it prints, stderr is empty.
 */
export async function runInTerminal(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  dialog?: readonly [prompt: string, input: string],
): Promise<ProcessResult> {
  const words = [process.execPath, '--require', typescript, '--eval', program, '--', ...args];
  const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: root,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A question that nobody expects would wait forever.
    timeout: 60_000,
  });
  let stdout = '';
  let stderr = '';
  let hasTyped = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (dialog === undefined || hasTyped || !stdout.includes(dialog[0])) return;
    hasTyped = true;
    child.stdin.write(dialog[1]);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}
