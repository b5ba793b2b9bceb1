import { createInterface } from 'node:readline/promises';
import { downloadSize, libtorch } from '../libtorch';
import { isOffline } from '../net/offline';
import { Interruption, withProgress } from './progress';

/**
 * Offers to download LibTorch if it is not installed and there is someone to ask. Without it, the command
 * fails with the error that says how to install it.
 *
 * @throws Interruption after Ctrl-C
 */
export async function offerLibTorch({ offline }: { readonly offline?: boolean }): Promise<void> {
  const bytes = downloadSize('cpu');
  if (!isInteractive() || isOffline(offline) || bytes === undefined) return;
  if ((await libtorch.find()) !== undefined) return;
  const size = `${Math.round(bytes / 1e6)} MB`;
  if (!(await confirm(`LibTorch is not installed. Download it now (${size})? [Y/n] `))) return;
  await withProgress((onProgress, signal) => libtorch.install({ onProgress, signal }));
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
