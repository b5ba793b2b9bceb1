import type { CheckpointOrigin } from '../models/checkpoint-origin';
import { fetchFile } from './fetch-file';
import { fetchNpmDirectory } from './fetch-npm';
import type { FetchOptions } from './fetch-options';

/**
 * The path of a verified checkpoint, downloaded unless it is cached: a `.pth` or `.safetensors` file, or the
 * `model.json` of a directory of TensorFlow.js shards.
 *
 * @throws DownloadError `…_HASH` if the hash of a cached file does not match, `…_OFFLINE` if it is not
 *   cached in offline mode, `…_DISK` if it cannot be written; else the code of the first source's
 *   failure, with all failures listed. `signal.reason` after an abort.
 */
export function fetchCheckpoint(
  source: CheckpointOrigin,
  options: FetchOptions = {},
): Promise<string> {
  return source.kind === 'file' ? fetchFile(source, options) : fetchNpmDirectory(source, options);
}
