import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Unpack } from 'tar';
import { readError, guardWrite } from '../net/disk';
import { sha256File } from '../net/hash';

const CHUNK_SIZE = 64 * 1024;

/**
 * Whether the file or directory `path` exists.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` if that cannot be determined
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw readError(path, error);
  }
}

/**
 * SHA-256 over the names and the SHA-256 of the files in a directory: the output of
 * `LC_ALL=C sha256sum * | sha256sum` there. Hidden files are excluded.
 */
export async function hashDirectory(directory: string, signal?: AbortSignal): Promise<string> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw readError(directory, cause);
  });
  const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  return await hashFiles(
    directory,
    names.map((entry) => entry.name),
    signal,
  );
}

/** SHA-256 over the names and the SHA-256 of files, as `hashDirectory`. */
export async function hashFiles(
  directory: string,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  for (const name of [...names].sort()) {
    hash.update(`${await sha256File(join(directory, name), signal)}  ${name}\n`);
  }
  return hash.digest('hex');
}

/** Extracts the direct children of `directory` in a tarball to `into`, which is emptied first. */
export async function extractDirectory(
  tarball: string,
  directory: string,
  into: string,
): Promise<void> {
  await guardWrite(into, rm(into, { recursive: true, force: true }));
  await guardWrite(into, mkdir(into, 0o775));
  const unpack = new Unpack({
    cwd: into,
    strict: true,
    // As root, tar would give the files to the user ids of whoever packed them.
    preserveOwner: false,
    strip: directory.split('/').length,
    filter: (path, entry) =>
      'type' in entry && entry.type === 'File' && posix.dirname(path) === directory,
  });
  // tar's own gunzip blocks the JS thread for up to 70 ms, so decompress with a zlib stream.
  const gunzip = createGunzip({ chunkSize: CHUNK_SIZE });
  await guardWrite(into, pipeline(createReadStream(tarball), gunzip, unpack));
}

/** Replaces `directory` with `fresh`, and restores it if that fails. */
export async function replaceDirectory(fresh: string, directory: string): Promise<void> {
  const old = `${directory}.old`;
  await guardWrite(old, rm(old, { recursive: true, force: true }));
  const replaces = await exists(directory);
  if (replaces) await guardWrite(directory, rename(directory, old));
  try {
    await guardWrite(directory, rename(fresh, directory));
  } catch (error) {
    if (replaces) await rename(old, directory);
    throw error;
  }
  await guardWrite(old, rm(old, { recursive: true, force: true }));
}
