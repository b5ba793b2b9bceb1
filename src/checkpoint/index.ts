import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { malformedError } from './errors';
import { CheckpointFile } from './checkpoint-file';
import { isPickle, openLegacyPth } from './legacy-pth';
import { isSafetensors, openSafetensors } from './safetensors';
import type { StateDict } from './state-dict';
import { isJson, openTfjs } from './tfjs';
import { isZip } from './zip-archive';
import { openZipPth } from './zip-pth';

export { contiguousStride, span, type StateDict, type StoredTensor } from './state-dict';

/** Includes the tar magic at byte 257, which is the last of the magic numbers. */
const HEAD_BYTES = 512;

/**
 * Opens a checkpoint and describes its tensors; none is read yet. The format is detected from the
 * content: files of `torch.save` (`.pth`, the zip form and the legacy form), `.safetensors`, and
 * `model.json` of TensorFlow.js, or the directory that contains it.
 *
 * A state dict nested in a training checkpoint is found, and the prefix `module.` of `DataParallel` is
 * removed. Nothing in the file is ever executed.
 *
 * @throws CheckpointError `…_NOT_FOUND`, `…_FORMAT`, `…_TRUNCATED`, or `…_UNSAFE` for a pickle that
 * refers to names outside the allow-list.
 */
export async function openCheckpoint(path: string): Promise<StateDict> {
  const file = await CheckpointFile.open(
    (await isDirectory(path)) ? join(path, 'model.json') : path,
  );
  try {
    const head = await file.read(0, Math.min(file.size, HEAD_BYTES));
    if (isZip(head)) return await openZipPth(file);
    if (isSafetensors(head)) return await openSafetensors(file);
    if (isPickle(head)) return await openLegacyPth(file);
    if (isJson(head)) return await openTfjs(file);
    throw malformedError(path, unknownFormat(head));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function unknownFormat(head: Buffer): string {
  if (head.length === 0) return 'it is empty';
  if (head.toString('latin1', 257, 262) === 'ustar') {
    return 'the tar format of the first PyTorch releases is not supported';
  }
  return 'it is neither a .pth file of torch.save, nor safetensors, nor a model.json of TensorFlow.js';
}
