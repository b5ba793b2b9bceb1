import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../errors';
import { abbreviate } from '../options';
import { malformedError } from './errors';
import { CheckpointFile } from './checkpoint-file';
import { isPickle, openLegacyPth } from './legacy-pth';
import { isSafetensors, openSafetensors } from './safetensors';
import type { Checkpoint } from './state-dict';
import { isJson, openTfjs } from './tfjs';
import { isZip } from './zip-archive';
import { openZipPth } from './zip-pth';

export {
  contiguousStride,
  plainCheckpoint,
  span,
  type Checkpoint,
  type NestedStateDict,
  type StateDict,
  type StoredTensor,
} from './state-dict';

export { writeSafetensors } from './write-safetensors';

/** Includes the tar magic at byte 257, which is the last of the magic numbers. */
const HEAD_BYTES = 512;

/**
 * Opens a checkpoint and describes its tensors; none is read yet. The format is detected from the
 * content: files of `torch.save` (`.pth`, the zip form and the legacy form), `.safetensors`, and
 * `model.json` of TensorFlow.js, or the directory that contains it.
 *
 * All state dicts of a training checkpoint are found, with the names of the file. What accompanies them, such
 * as `argparse.Namespace`, NumPy arrays or the optimizer, is read as data: nothing in the file is ever
 * executed.
 *
 * @throws CheckpointError `…_NOT_FOUND`, `…_FORMAT`, `…_TRUNCATED`, or `…_UNSAFE` for a pickle that names
 * functions that only an attack needs, such as `os.system`.
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const file = await openFile(path);
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

/** Opens a file, or the `model.json` in a directory. */
async function openFile(path: string): Promise<CheckpointFile> {
  if (!(await isDirectory(path))) return await CheckpointFile.open(path);
  try {
    return await CheckpointFile.open(join(path, 'model.json'));
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new CheckpointError(cause.code, {
      what: `The checkpoint '${abbreviate(path)}' is a directory without a model.json of TensorFlow.js that can be opened.`,
      remedy: 'Pass the path of a file: .pth, .safetensors, or a model.json next to its shards.',
      value: path,
      cause,
    });
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
