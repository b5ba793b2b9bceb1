import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Unpack } from 'tar';
import { unreadable, writing } from '../net/disk';
import { sha256File } from '../net/hash';

const PIECE = 64 * 1024;

/** Whether there is a file or folder `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * SHA-256 over the names and the SHA-256 of the files in a folder: what `LC_ALL=C sha256sum * | sha256sum`
 * prints there. Hidden files do not count.
 */
export async function sha256Folder(folder: string, signal?: AbortSignal): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  const hash = createHash('sha256');
  for (const name of names.map((entry) => entry.name).sort()) {
    hash.update(`${await sha256File(join(folder, name), signal)}  ${name}\n`);
  }
  return hash.digest('hex');
}

/** Extracts the files that lie directly in `folder` of a tarball; `into` is emptied first. */
export async function extractFolder(tarball: string, folder: string, into: string): Promise<void> {
  await writing(into, rm(into, { recursive: true, force: true }));
  await writing(into, mkdir(into));
  const unpack = new Unpack({
    cwd: into,
    strict: true,
    strip: folder.split('/').length,
    filter: (path, entry) =>
      'type' in entry && entry.type === 'File' && posix.dirname(path) === folder,
  });
  // tar's own gunzip runs on the JS thread, for up to 70 ms at a stretch.
  const gunzip = createGunzip({ chunkSize: PIECE });
  await writing(into, pipeline(createReadStream(tarball), gunzip, unpack));
}

/** Puts the folder `fresh` in the place of `folder`, which stays what it was if that fails. */
export async function replaceFolder(fresh: string, folder: string): Promise<void> {
  const old = `${folder}.old`;
  await writing(old, rm(old, { recursive: true, force: true }));
  const replaces = await exists(folder);
  if (replaces) await writing(folder, rename(folder, old));
  try {
    await writing(folder, rename(fresh, folder));
  } catch (error) {
    if (replaces) await rename(old, folder);
    throw error;
  }
  await writing(old, rm(old, { recursive: true, force: true }));
}
