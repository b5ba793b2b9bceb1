import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openCheckpoint } from '../checkpoint';
import {
  buildTorchScript,
  checkDeclaredArchitecture,
  selectState,
  type ModelCard,
} from '../models';
import { sha256File } from '../net/hash';
import { withLock } from '../net/lock';
import { checkpointsDirectory } from './cache';
import { fetchCheckpoint } from './checkpoints';
import { checkKnownCard, knownCard } from './known-file';
import { licenseNotice, type HubOptions, type WeightsOptions } from './options';
import { weightsWarnings } from './warnings';

/** Part of a cached file's name. Change it when the conversion changes, so that old files are not used. */
const build = 'build3';

/** The path of a model's verified checkpoint; a download emits a warning with the license. */
export async function checkpointOf(card: ModelCard, options: HubOptions = {}): Promise<string> {
  const { hubDir, forceReload, offline, signal, onProgress } = options;
  let notified = false;
  return await fetchCheckpoint(card.origin, {
    hubDir,
    forceReload,
    offline,
    signal,
    onProgress: ({ file, received, total }) => {
      if (!notified) {
        notified = true;
        process.emitWarning(licenseNotice(card.name, card.license), { code: 'SEMISUP_LICENSE' });
      }
      onProgress?.({ phase: 'download', file, received, total });
    },
  });
}

/** The path of a model's TorchScript file, built next to the checkpoints unless it is cached. */
export async function cachedTorchScript(card: ModelCard, options: HubOptions): Promise<string> {
  const { origin } = card;
  const hash = origin.kind === 'file' ? origin.sha256Prefix : origin.sha256.slice(0, 8);
  const directory = checkpointsDirectory(options.hubDir);
  const path = join(directory, `${card.name}-${hash}.${build}.pt`);
  if (!options.forceReload && (await isIntact(path, options.signal))) return path;
  await mkdir(directory, { recursive: true });
  await withLock(
    `${path}.lock`,
    async (signal) => {
      if (!options.forceReload && (await isIntact(path, signal))) return;
      await rm(hashFile(path), { force: true });
      await removeTemporaryFiles(path);
      await writeTorchScript(card, path, { ...options, signal });
      await writeFile(hashFile(path), await sha256File(path, signal));
    },
    { signal: options.signal },
  );
  return path;
}

/**
 * Writes a model, or its architecture with custom weights, as a TorchScript file. Emits a warning for whatever
 * makes the result differ from the checkpoint, or may do so.
 */
export async function writeTorchScript(
  card: ModelCard,
  target: string,
  options: WeightsOptions,
): Promise<void> {
  const { weights, numClasses, signal, onProgress } = options;
  const path = weights ?? (await checkpointOf(card, options));
  const checkpoint = await openCheckpoint(path);
  try {
    const source = await describeSource(card, checkpoint.path, weights === undefined, signal);
    const known = weights === undefined ? card : knownCard(source.sha256);
    if (known) checkKnownCard(known, card, path);
    else checkDeclaredArchitecture(checkpoint, card.architecture);
    const state = selectState(checkpoint, card.architecture);
    const metadata = await buildTorchScript({
      card: weights === undefined ? card : { ...card, license: null },
      state,
      source,
      path: target,
      numClasses,
      signal,
      onProgress: (received, total) => {
        onProgress?.({ phase: 'build', file: target, received, total });
      },
    });
    for (const { code, message } of weightsWarnings(
      checkpoint,
      state,
      metadata,
      known !== undefined,
    )) {
      process.emitWarning(message, { code });
    }
  } finally {
    await checkpoint.close();
  }
}

async function describeSource(
  { origin }: ModelCard,
  checkpoint: string,
  own: boolean,
  signal: AbortSignal | undefined,
): Promise<{ file: string; sha256: string }> {
  if (own && origin.kind === 'npm') {
    return { file: `${origin.package}-${origin.version}.tgz`, sha256: origin.sha256 };
  }
  return { file: basename(checkpoint), sha256: await sha256File(checkpoint, signal) };
}

/** The path of the file that contains the SHA-256 of a cached file, because LibTorch verifies no checksums. */
function hashFile(path: string): string {
  return `${path}.sha256`;
}

/** Removes what processes and workers left that ended while they wrote `path`. Requires its lock. */
async function removeTemporaryFiles(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    await rm(join(dirname(path), name), { force: true });
  }
}

async function isIntact(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    return (await readFile(hashFile(path), 'utf8')) === (await sha256File(path, signal));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
