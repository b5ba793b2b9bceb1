import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { malformed } from './failure';
import { CheckpointFile } from './file';
import { isPickle, openLegacyPth } from './legacy-pth';
import { isSafetensors, openSafetensors } from './safetensors';
import type { StateDict } from './state-dict';
import { isJson, openTfjs } from './tfjs';
import { isZip } from './zip-archive';
import { openZipPth } from './zip-pth';

export { contiguousStride, span, type StateDict, type StoredTensor } from './state-dict';

/** Enough for the tar magic, which comes last. */
const HEAD_BYTES = 512;

/**
 * Opens a checkpoint and describes its tensors; none is read yet. The format is recognised by the
 * content: what `torch.save` writes (`.pth`, the zip form and the legacy form), `.safetensors`, and
 * `model.json` of TensorFlow.js, or the folder that holds it.
 *
 * A state dict inside of a training script's dictionary is found, and the `module.` of
 * `DataParallel` taken off. Nothing in the file is ever executed.
 *
 * @throws CheckpointError `…_NOT_FOUND`, `…_FORMAT`, `…_TRUNCATED`, or `…_UNSAFE` for a pickle that
 * names anything but tensors.
 */
export async function openCheckpoint(path: string): Promise<StateDict> {
  const file = await CheckpointFile.open((await isFolder(path)) ? join(path, 'model.json') : path);
  try {
    const head = await file.read(0, Math.min(file.size, HEAD_BYTES));
    if (isZip(head)) return await openZipPth(file);
    if (isSafetensors(head)) return await openSafetensors(file);
    if (isPickle(head)) return await openLegacyPth(file);
    if (isJson(head)) return await openTfjs(file);
    throw malformed(path, unknownFormat(head));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function unknownFormat(head: Buffer): string {
  if (head.length === 0) return 'it is empty';
  if (head.toString('latin1', 257, 262) === 'ustar') {
    return 'it has the tar form of the first PyTorch releases, which only PyTorch itself still reads';
  }
  return 'it is neither a .pth of torch.save, nor safetensors, nor model.json of TensorFlow.js';
}
