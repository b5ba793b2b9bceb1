import { access, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Conditions } from '../conditions';
import { EmbeddingsError, SemisupError } from '../errors';
import { syncDirectory } from '../net/disk';
import { withLock } from '../net/lock';
import { abbreviate } from '../options';
import { formatOf } from './formats';
import { RowsFile } from './rows-file';
import { guardFile, writeError } from './write-error';

/**
 * Appends embeddings to a file of rows, which may have some of a previous run.
 *
 * @returns the images whose embeddings are written, in their order
 */
export type ComputeRows = (rows: RowsFile, signal: AbortSignal) => Promise<readonly string[]>;

/** Where embeddings are written. */
interface Target {
  readonly path: string;
  /** All files, the one of `path` last: then the others exist too. */
  readonly paths: readonly string[];
  /** A directory for what is unfinished. */
  readonly work: string;
  readonly rows: string;
}

/**
 * Checks what can be checked before a model is loaded.
 *
 * @throws EmbeddingsError if the file exists, or a package that its format requires is missing
 * @throws OptionError if its extension names no format
 */
export async function checkEmbeddingsPath(path: string): Promise<void> {
  formatOf(path).check?.();
  await checkMissing(targetOf(path));
}

/**
 * Writes embeddings to a file, in the format that its extension names. `compute` appends them to a file of rows in the
 * directory `<path>.part`, which stays if it rejects or the process is killed: the next call goes on. At the end, the rows
 * are converted there, and the result is renamed.
 *
 * @throws EmbeddingsError if the file exists, cannot be written, or is unfinished and of other conditions; `signal.reason`
 *   after an abort
 */
export async function writeEmbeddings(
  path: string,
  conditions: Conditions,
  compute: ComputeRows,
  signal: AbortSignal,
): Promise<void> {
  const target = targetOf(path);
  await guardFile(path, mkdir(dirname(target.path), { recursive: true }));
  // Two processes would write at the same positions.
  const task = (locked: AbortSignal) => writeLocked(target, conditions, compute, locked);
  const toError = (error: Error) => writeError(target.path, error.cause ?? error);
  await withLock(`${target.path}.lock`, task, { signal, toError });
}

async function writeLocked(
  target: Target,
  conditions: Conditions,
  compute: ComputeRows,
  signal: AbortSignal,
): Promise<void> {
  await checkMissing(target);
  const rows = await RowsFile.open(target.rows, conditions);
  let isFinished = false;
  try {
    const images = await compute(rows, signal);
    try {
      await convert(target, conditions, { rows, images, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof SemisupError ? error : writeError(target.path, error);
    }
    isFinished = true;
  } finally {
    await rows.close();
    if (isFinished || rows.size === 0) await rm(target.work, { recursive: true, force: true });
  }
}

interface Content {
  readonly rows: RowsFile;
  readonly images: readonly string[];
  readonly signal: AbortSignal;
}

async function convert(
  { path, paths, work }: Target,
  conditions: Conditions,
  { rows, images, signal }: Content,
): Promise<void> {
  // With what a process that was killed has left there.
  const directory = join(work, 'output');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  await formatOf(path).write(join(directory, basename(path)), {
    ...{ size: images.length, dimensions: rows.dimensions!, conditions },
    rows: () => rows.read(images, signal),
  });
  for (const final of paths) {
    // Of a process that was killed before it removed its rows. A directory is not replaced by a rename.
    await rm(final, { recursive: true, force: true });
    await rename(join(directory, basename(final)), final);
  }
  await syncDirectory(dirname(path));
}

/** Rows of a previous run remain until all of its files are complete. */
async function checkMissing({ paths, rows }: Target): Promise<void> {
  if (await exists(rows)) return;
  for (const path of paths.toReversed()) {
    if (!(await exists(path))) continue;
    throw new EmbeddingsError('ERR_SEMISUP_EMBEDDINGS_EXIST', {
      what: `'${abbreviate(path)}' exists.`,
      remedy: 'Delete it, or choose another file.',
      value: path,
    });
  }
}

function targetOf(file: string): Target {
  const path = resolve(file);
  const { companion } = formatOf(path);
  const work = `${path}.part`;
  const paths = companion === undefined ? [path] : [path + companion, path];
  return { path, paths, work, rows: join(work, 'rows') };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
