import { malformedError, truncatedError } from './errors';
import type { ByteSource } from './checkpoint-file';
import { findStateDicts, locateTensors, tensorsIn, type StorageRange } from './pickled-state';
import type { Checkpoint } from './state-dict';
import { MAX_PICKLE_BYTES, TruncatedPickleError, unpickle } from './unpickler';
import { runInSlices } from './slices';
import { ZipArchive } from './zip-archive';

/**
 * Opens the format of `torch.save` since PyTorch 1.6: a zip archive of uncompressed records in one
 * directory, `data.pkl` for the object and `data/<key>` for each storage.
 */
export async function openZipPth(file: ByteSource): Promise<Checkpoint> {
  const archive = await ZipArchive.open(file);
  const directory = directoryOf(archive, file.path);
  await checkByteOrder(file, await archive.find(`${directory}byteorder`));
  const pickle = await archive.find(`${directory}data.pkl`);
  const state = await runInSlices(findStateDicts(await readPickle(file, pickle!), file.path));

  const ranges = new Map<string, StorageRange>();
  for (const key of new Set([...tensorsIn(state)].map(([, { storage }]) => storage.key))) {
    const range = await archive.find(`${directory}data/${key}`);
    if (range) ranges.set(key, range);
  }
  return locateTensors(file, state, ranges);
}

function directoryOf({ names }: ZipArchive, path: string): string {
  const directory = names.map((name) => /^[^/]+\/(?=data\.pkl$)/.exec(name)?.[0]).find(Boolean);
  if (directory === undefined) {
    throw malformedError(
      path,
      'it is a zip archive without data.pkl, so torch.save did not write it',
    );
  }
  if (
    names.some(
      (name) => name === `${directory}constants.pkl` || name.startsWith(`${directory}code/`),
    )
  ) {
    throw malformedError(
      path,
      'it is TorchScript, not a checkpoint; load it with ScriptModule.load',
    );
  }
  return directory;
}

async function checkByteOrder(file: ByteSource, range: StorageRange | undefined): Promise<void> {
  // Files from before PyTorch 2.1 have no `byteorder` record, and are little-endian.
  if (!range) return;
  const order = await file.read(range.start, Math.min(range.bytes, 'little'.length));
  if (order.toString('latin1') !== 'little') {
    throw malformedError(file.path, 'it was not saved on a little-endian machine');
  }
}

async function readPickle(file: ByteSource, { start, bytes }: StorageRange): Promise<unknown> {
  if (bytes > MAX_PICKLE_BYTES) {
    throw malformedError(file.path, `its pickle is larger than ${MAX_PICKLE_BYTES} bytes`);
  }
  try {
    return (await runInSlices(unpickle(await file.read(start, bytes), 0, file.path))).value;
  } catch (error) {
    if (error instanceof TruncatedPickleError)
      throw truncatedError(file.path, 'it ends within its pickle', error);
    throw error;
  }
}
