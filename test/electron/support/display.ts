import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

let display: Promise<void> | undefined;

/** Starts a virtual display, unless there is a display. It ends with this process. */
export async function ensureDisplay(): Promise<void> {
  if (process.env.DISPLAY || process.env.WAYLAND_DISPLAY) return;
  display ??= start();
  await display;
}

async function start(): Promise<void> {
  const args = ['-displayfd', '3', '-screen', '0', '1440x960x24', '-nolisten', 'tcp'];
  const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const started = readLine(server.stdio[3] as Readable);
  const failed = new Promise<never>((_, reject) => {
    server.once('error', () => {
      reject(new Error('there is no display, and Xvfb is not installed'));
    });
    server.once('exit', (code) => {
      reject(new Error(`there is no display, and Xvfb exited with code ${code}`));
    });
  });
  const number = await Promise.race([started, failed]);
  failed.catch(() => undefined);
  process.env.DISPLAY = `:${number}`;
  server.unref();
  process.once('exit', () => server.kill());
}

/** The first line, which may come in several chunks. */
async function readLine(input: Readable): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.trim();
}
