import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { openCheckpoint, type Checkpoint } from '../checkpoint';
import { ModelError, type SemisupError } from '../errors';
import {
  buildModule,
  buildTorchScript,
  checkDeclaredArchitecture,
  selectState,
  type BuildOptions,
} from '../convert';
import { type ModelCard, type ModelMetadata } from '../models';
import { warnAboutCache } from '../net/cache-warning';
import { guardWrite, isUnwritable } from '../net/disk';
import { sha256File } from '../net/hash';
import { removeLeftovers, removeLeftoversLocked } from '../net/leftovers';
import { withLock } from '../net/lock';
import { type ExecutorOptions } from '../native';
import { writeFileAtomically, type ScriptModule } from '../torch';
import { checkTrusted } from '../trust/trusted-path';
import { modelFile, protectFile } from './cache';
import { fetchCheckpoint } from './checkpoints';
import { hashFiles } from './directory';
import { checkKnownCard, knownCard } from './known-file';
import { licenseNotice, type HubOptions, type WeightsOptions } from './options';
import { weightsWarnings } from './warnings';

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

/** A model in the cache: as TorchScript or, if that could not be written, as a verified checkpoint. */
export type CachedModel = { readonly torchScript: string } | { readonly checkpoint: string };

/**
 * A model's TorchScript file, built next to the checkpoints unless it is cached; or its checkpoint, with a
 * warning, if that file is not cached and cannot be written.
 *
 * @param verified the path of the verified checkpoint, if it is known
 */
export async function cachedModel(
  card: ModelCard,
  options: HubOptions,
  verified?: string,
): Promise<CachedModel> {
  const { forceReload = false, signal } = options;
  const path = modelFile(card, options.hubDir, 'pt');
  const lock = `${path}.lock`;
  const isLeftover = (name: string) =>
    name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp');
  checkTrusted(dirname(path));
  if (!forceReload && (await isIntact(path, signal))) {
    await removeLeftovers(lock, isLeftover);
    return { torchScript: path };
  }
  // Not in the `try` below: without a checkpoint nothing can be built in memory either.
  const checkpoint = verified ?? (await checkpointOf(card, options));
  try {
    await withLock(
      lock,
      async (signal) => {
        // Meanwhile another user may have created it.
        checkTrusted(dirname(path));
        await removeLeftoversLocked(lock, isLeftover);
        if (!forceReload && (await isIntact(path, signal))) return;
        await guardWrite(path, rm(hashFile(path), { force: true }));
        await writeTorchScript(card, path, { ...options, signal }, checkpoint);
        await recordHash(path, signal);
      },
      { signal },
    );
    return { torchScript: path };
  } catch (error) {
    signal?.throwIfAborted();
    const isWriteFailure = error instanceof ModelError && error.code === 'ERR_SEMISUP_MODEL_WRITE';
    if (!isWriteFailure && !isUnwritable(error)) throw error;
    warnAboutCache(
      dirname(path),
      `${(error as SemisupError).what} Each process therefore builds ${card.name} in memory when it loads it. Run 'npx semisup download ${card.name}' once where the directory can be written, for example when the container image is built.`,
    );
    return { checkpoint };
  }
}

/**
 * Writes a model, or its architecture with custom weights, as a TorchScript file.
 *
 * @param checkpoint the model's verified checkpoint, if it is known
 */
export async function writeTorchScript(
  card: ModelCard,
  target: string,
  options: WeightsOptions,
  checkpoint?: string,
): Promise<void> {
  await build(card, target, options, checkpoint, async (request) => ({
    metadata: await buildTorchScript({ ...request, path: target }),
  }));
}

/**
 * Builds a model, or its architecture with custom weights, in memory. The caller closes it.
 *
 * @param checkpoint the model's verified checkpoint, if it is known
 */
export async function buildInMemory(
  card: ModelCard,
  options: WeightsOptions,
  executorOptions: ExecutorOptions,
  checkpoint?: string,
): Promise<ScriptModule> {
  const { module } = await build(card, card.name, options, checkpoint, (request) =>
    buildModule({ ...request, ...executorOptions }),
  );
  return module;
}

/**
 * Builds from a model's checkpoint, or from custom weights. Emits a warning for whatever makes the result differ
 * from the checkpoint, or may do so.
 *
 * @param file the file or the model that is built, for progress
 */
async function build<Built extends { readonly metadata: ModelMetadata }>(
  card: ModelCard,
  file: string,
  options: WeightsOptions,
  ownCheckpoint: string | undefined,
  produce: (request: BuildOptions) => Promise<Built>,
): Promise<Built> {
  const { weights, numClasses, signal, onProgress } = options;
  const path = weights ?? ownCheckpoint ?? (await checkpointOf(card, options));
  const checkpoint = await openCheckpoint(path);
  try {
    const source = await describeSource(card, checkpoint, weights === undefined, signal);
    const known = weights === undefined ? card : knownCard(source.sha256);
    if (known) checkKnownCard(known, card, path);
    else checkDeclaredArchitecture(checkpoint, card.architecture);
    const state = selectState(checkpoint, card.architecture);
    const built = await produce({
      card: weights === undefined ? card : { ...card, license: null },
      state,
      source,
      numClasses,
      signal,
      onProgress: (received, total) => {
        onProgress?.({ phase: 'build', file, received, total });
      },
    });
    for (const { code, message } of weightsWarnings(
      checkpoint,
      state,
      built.metadata,
      known !== undefined,
    )) {
      process.emitWarning(message, { code });
    }
    return built;
  } finally {
    await checkpoint.close();
  }
}

async function describeSource(
  { origin }: ModelCard,
  { path, files }: Checkpoint,
  own: boolean,
  signal: AbortSignal | undefined,
): Promise<{ file: string; sha256: string }> {
  if (own && origin.kind === 'npm') {
    return { file: `${origin.package}-${origin.version}.tgz`, sha256: origin.sha256 };
  }
  const directory = dirname(path);
  const sha256 =
    files.length === 1
      ? await sha256File(path, signal)
      : await hashFiles(
          directory,
          files.map((file) => relative(directory, file).replaceAll('\\', '/')),
          signal,
        );
  return { file: basename(path), sha256 };
}

/** The path of the file that contains the SHA-256 of a cached file, because LibTorch verifies no checksums. */
function hashFile(path: string): string {
  return `${path}.sha256`;
}

/** Records the hash of a file that was just written; removes the file if that fails. */
async function recordHash(path: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await protectFile(path);
    const hash = await sha256File(path, signal);
    await writeFileAtomically(hashFile(path), (temporary) =>
      writeFile(temporary, hash, { flag: 'wx', mode: 0o664 }),
    );
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
}

/**
 * Whether a cached file exists, can be read, and has not changed.
 *
 * @throws CacheError if another user could have written it
 */
async function isIntact(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  checkTrusted(path);
  checkTrusted(hashFile(path));
  try {
    return (await readFile(hashFile(path), 'utf8')) === (await sha256File(path, signal));
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}
