import { malformed, truncated } from './failure';
import type { Bytes } from './file';
import { namedTensors, placeTensors, type Place } from './pickled-state';
import type { StateDict } from './state-dict';
import { MAX_PICKLE_BYTES, PickleEnd, unpickle } from './unpickler';
import { ZipArchive } from './zip-archive';

/**
 * Opens what `torch.save` has written since PyTorch 1.6: a zip archive of stored records in one
 * folder, `data.pkl` for the object and `data/<key>` for each storage.
 */
export async function openZipPth(file: Bytes): Promise<StateDict> {
  const archive = await ZipArchive.open(file);
  const folder = folderOf(archive, file.path);
  await checkByteOrder(file, await archive.find(`${folder}byteorder`));
  const pickle = await archive.find(`${folder}data.pkl`);
  const tensors = namedTensors(await readPickle(file, pickle!), file.path);

  const places = new Map<string, Place>();
  for (const key of new Set([...tensors.values()].map(({ storage }) => storage.key))) {
    const place = await archive.find(`${folder}data/${key}`);
    if (place) places.set(key, place);
  }
  return placeTensors(file, tensors, places);
}

function folderOf({ names }: ZipArchive, path: string): string {
  const folder = names.map((name) => /^[^/]+\/(?=data\.pkl$)/.exec(name)?.[0]).find(Boolean);
  if (folder === undefined) {
    throw malformed(path, 'it is a zip archive without data.pkl, so torch.save did not write it');
  }
  if (
    names.some((name) => name === `${folder}constants.pkl` || name.startsWith(`${folder}code/`))
  ) {
    throw malformed(
      path,
      'it is TorchScript, a program together with its weights, and not a checkpoint; ScriptModule.load opens it',
    );
  }
  return folder;
}

async function checkByteOrder(file: Bytes, place: Place | undefined): Promise<void> {
  // Files before PyTorch 2.1 do not say, and are little-endian.
  if (!place) return;
  const order = await file.read(place.start, Math.min(place.bytes, 'little'.length));
  if (order.toString('latin1') !== 'little') {
    throw malformed(file.path, 'it was not saved on a little-endian machine');
  }
}

async function readPickle(file: Bytes, { start, bytes }: Place): Promise<unknown> {
  if (bytes > MAX_PICKLE_BYTES) {
    throw malformed(file.path, `its pickle is larger than ${MAX_PICKLE_BYTES} bytes`);
  }
  try {
    return unpickle(await file.read(start, bytes), 0, file.path).value;
  } catch (error) {
    if (error instanceof PickleEnd) throw truncated(file.path, 'it ends within its pickle', error);
    throw error;
  }
}
