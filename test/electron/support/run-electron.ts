import { spawn } from 'node:child_process';
import type { ProcessResult } from '../../support/run-node';

/** What Chromium prints on a machine without a desktop, and to a debugger. */
const unrelated = [
  /ERROR:(?:dbus\/)?(?:bus|object_proxy)\.cc/,
  /Waiting for the debugger|Debugger ending|DevTools listening|Debugger (?:listening|attached)|For help, see: https:\/\/nodejs/,
  /ERROR:.*(?:gpu|viz|gl_|angle|vaapi|command_buffer|egl)/i,
];

/** The lines of stderr that are neither Chromium's nor empty. */
export function ownLines(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !unrelated.some((pattern) => pattern.test(line)));
}

/** Runs Electron to its end. */
export async function runElectron(
  executable: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<ProcessResult> {
  const child = spawn(executable, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}
