import { createInterface } from 'node:readline/promises';
import { LibTorchError } from '../errors';
import { downloadSize, libtorch } from '../libtorch';
import { isOffline } from '../net/offline';
import { Interruption, withProgress } from './progress';

/**
 * Offers to download LibTorch if it is not installed and there is someone to ask. Without it, the command
 * fails with the error that says how to install it.
 *
 * @throws Interruption after Ctrl-C
 */
export async function offerLibTorch({ offline }: OfferFlags): Promise<void> {
  const bytes = downloadSize('cpu');
  if (!isInteractive() || isOffline(offline) || bytes === undefined) return;
  if ((await libtorch.find()) !== undefined) return;
  const size = `${Math.round(bytes / 1e6)} MB`;
  if (!(await confirm(`LibTorch is not installed. Download it now (${size})? [Y/n] `))) return;
  await withProgress((onProgress, signal) => libtorch.install({ onProgress, signal }));
}

/** Runs a task that may not need LibTorch: if it fails without it, offers to download it, and runs the task again. */
export async function offerIfNeeded<T>(flags: OfferFlags, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const isMissing =
      error instanceof LibTorchError && error.code === 'ERR_SEMISUP_LIBTORCH_NOT_FOUND';
    if (!isMissing || !isInteractive()) throw error;
    await offerLibTorch(flags);
    return await task();
  }
}

interface OfferFlags {
  readonly offline?: boolean;
}

function isInteractive(): boolean {
  const isCi = !['', '0', 'false'].includes(process.env.CI ?? '');
  return process.stdin.isTTY && process.stderr.isTTY && !isCi;
}

/** Asks a question whose default is yes. The end of the input means no. */
async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      terminal.once('close', () => {
        resolve('no');
      });
      terminal.once('SIGINT', () => {
        reject(new Interruption('SIGINT'));
      });
      terminal.question(question).then(resolve, reject);
    });
    return /^(y|yes)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
