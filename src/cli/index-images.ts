import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Classifier } from '../classify';
import { ImageError, IndexError } from '../errors';
import { imagesIn } from '../image/images-in';
import { rejectOnAbort } from '../native';
import { abbreviate } from '../options';
import { ImageIndex, type EntryMetadata } from '../search';
import { finishTuning } from './finish-tuning';
import { withHubFlags, type HubFlags } from './hub-options';
import { throwNotFound } from './image-arguments';
import { ImageBar, type ImageProgress } from './image-progress';
import { FileIndex, idOf, indexName } from './index-files';
import { withIndexLock } from './index-lock';
import { identifyModel, selectModel } from './index-model';
import { openClassifier } from './open-classifier';
import { withDisplay } from './progress';
import { withRunFlags, type RunFlags } from './run-options';
import { note, print, printJson } from './terminal';
import { updateIndex, type ImageFile, type Update } from './update-index';

interface IndexFlags extends HubFlags, RunFlags {
  readonly out?: string;
  readonly vectors: 'float32' | 'bfloat16';
  readonly orient?: boolean;
  readonly json?: boolean;
}

/** `semisup index DIR` */
export function indexCommand(): Command {
  return withHubFlags(
    withRunFlags(
      new Command('index')
        .description('index the images of a directory, for search and duplicates')
        .argument('<directory>', 'a directory; with all directories in it'),
    )
      .option('-o, --out <file>', `the index; ${indexName} in the directory by default`)
      .addOption(
        new Option('--vectors <precision>', 'how a new index stores vectors')
          .choices(['float32', 'bfloat16'])
          .default('float32'),
      )
      .option('--orient', 'rotate images according to their EXIF orientation')
      .option('--json', 'print JSON'),
  ).action(async (directory: string, flags: IndexFlags, command: Command) => {
    const path = resolve(flags.out ?? join(directory, indexName));
    await checkDirectory(directory);
    await withDisplay(new ImageBar(), (onProgress, interruption) =>
      withIndexLock(path, interruption, async (signal) => {
        const files = await listFiles(directory, path, flags, signal);
        const existing = await openExisting(path);
        try {
          const isDefault = command.getOptionValueSource('model') === 'default';
          const selected = existing
            ? await selectModel(flags, isDefault, { path, model: existing.model })
            : flags;
          const context = { path, existing, onProgress, interruption, signal };
          await run(directory, files, selected, context);
        } finally {
          await existing?.close();
        }
      }),
    );
  });
}

/** @throws ImageError if it is not a directory */
async function checkDirectory(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory()) return;
  throw new ImageError('ERR_SEMISUP_IMAGE_NOT_FOUND', {
    what: `'${abbreviate(path)}' is not a directory.`,
    remedy: 'Pass the directory that contains the images.',
    value: path,
  });
}

/** The images in a directory, in the order of their ids. @throws ImageError if there is no image */
async function listFiles(
  directory: string,
  indexPath: string,
  { orient }: IndexFlags,
  signal: AbortSignal,
): Promise<ImageFile[]> {
  const paths = (await imagesIn(directory)).map((name) => join(directory, name));
  if (paths.length === 0) throwNotFound(directory, true);
  const files: ImageFile[] = [];
  for (const path of paths) {
    signal.throwIfAborted();
    const found = await stat(path).catch(() => undefined);
    // It vanished meanwhile.
    if (!found) continue;
    const metadata: EntryMetadata = {
      ...{ size: found.size, modified: found.mtimeMs },
      ...(orient && { orient }),
    };
    files.push({ id: idOf(indexPath, path), path, metadata });
  }
  return files.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function openExisting(path: string): Promise<ImageIndex | undefined> {
  try {
    return await ImageIndex.open(path);
  } catch (error) {
    const isMissing =
      error instanceof IndexError &&
      error.code === 'ERR_SEMISUP_INDEX_NOT_FOUND' &&
      (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    if (isMissing) return undefined;
    throw error;
  }
}

interface RunContext {
  readonly path: string;
  /** Undefined if the index does not exist yet. */
  readonly existing: ImageIndex | undefined;
  readonly onProgress: (progress: ImageProgress) => void;
  /** Aborts when the user interrupts the command. */
  readonly interruption: AbortSignal;
  /** Aborts then, too, and when another process has taken over the lock of the index. */
  readonly signal: AbortSignal;
}

/** Updates an index, and prints the result. */
async function run(
  directory: string,
  files: readonly ImageFile[],
  flags: IndexFlags,
  { path, existing, onProgress, interruption, signal }: RunContext,
): Promise<void> {
  const known = existing && new FileIndex(path, existing);
  const ids = new Set(files.map(({ id }) => id));
  const vanished = known?.idsIn(directory).filter((id) => !ids.has(id)) ?? [];
  const changed = files.filter(
    ({ id, metadata }) => !isUnchanged(existing?.metadata(id), metadata),
  );
  let model: Classifier | undefined;
  try {
    // Nothing is computed if nothing has changed.
    if (changed.length > 0) model = await openClassifier(flags);
    const name = existing?.model ?? (await identifyModel(flags));
    const create = (dimensions: number) =>
      ImageIndex.create({ dimensions, precision: flags.vectors, model: name });
    const update = await updateIndex(
      { path, index: existing, create },
      { vanished, changed },
      { model, orient: flags.orient, onProgress, interruption, signal },
    );
    try {
      show(path, files.length - changed.length, update, flags, interruption.aborted);
    } finally {
      if (update.index !== existing) await update.index?.close();
    }
    if (model) await rejectOnAbort(interruption, finishTuning(model));
  } finally {
    await model?.close();
  }
}

function isUnchanged(stored: EntryMetadata | undefined, current: EntryMetadata): boolean {
  return (
    stored?.size === current.size &&
    stored?.modified === current.modified &&
    stored?.orient === current.orient
  );
}

/** @throws ImageError if no image could be read, so that there is no index */
function show(
  path: string,
  unchanged: number,
  update: Update,
  { json }: IndexFlags,
  isInterrupted: boolean,
): void {
  const { index, added, updated, removed, failures, seconds } = update;
  if (!index) {
    if (isInterrupted) return;
    throw nothingRead(path);
  }
  if (json) {
    printJson({
      ...{ index: path, model: index.model, dimensions: index.dimensions, size: index.size },
      ...{ added, updated, unchanged, removed, interrupted: isInterrupted },
      failed: failures.map(({ path: image, error }) => ({ image, error })),
    });
    return;
  }
  const computed = added + updated;
  const rate = computed > 0 ? ` at ${(computed / seconds).toFixed(1)} images/s` : '';
  const counts = [
    `${added} added`,
    `${updated} updated`,
    `${unchanged} unchanged`,
    `${removed} removed`,
    `${failures.length} unreadable`,
  ];
  print(`${path}: ${index.size} images (${counts.join(', ')})${rate}`);
  if (isInterrupted) note('Interrupted. Run the command again to index the other images.');
}

function nothingRead(path: string): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    what: `The index '${abbreviate(path)}' was not created, because none of the images could be read.`,
    remedy: 'See their errors.',
    value: path,
  });
}
