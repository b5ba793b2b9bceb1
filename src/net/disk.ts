import { open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError } from '../errors';
import { errorReason } from './error-reason';

/** Awaits an operation that writes `path`; its error becomes `ERR_SEMISUP_DOWNLOAD_DISK`. */
export async function guardWrite<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    throw new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
      what: `${path} could not be written: ${errorReason(cause)}; ${await describeSpace(dirname(path))}.`,
      remedy:
        'Free disk space or grant write permission there, or choose another directory. The bytes received so far are kept, and the download resumes from them.',
      value: path,
      cause,
    });
  }
}

/** The system's codes for a place where nothing can be written: no permission, read-only, or full. */
const unwritable = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ERR_ACCESS_DENIED'];

/** Whether an operation failed because a file system or its permissions refuse writes. */
export function isUnwritable(error: unknown): boolean {
  // Not `instanceof Error`: in a context of node:vm, errors of the file system are of another realm.
  if (typeof error !== 'object' || error === null) return false;
  const { code, cause } = error as NodeJS.ErrnoException;
  return unwritable.includes(code ?? '') || isUnwritable(cause);
}

/** The error for a file or directory that could not be read. */
export function readError(path: string, cause: unknown): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
    what: `${path} could not be read: ${errorReason(cause)}.`,
    remedy: 'Check that it exists and that its permissions allow reading.',
    value: path,
    cause,
  });
}

/** Throws `ERR_SEMISUP_DOWNLOAD_DISK` if `path` needs more bytes than its file system has free. */
export async function checkSpace(path: string, needed: number): Promise<void> {
  const directory = dirname(path);
  const free = await freeBytes(directory);
  if (free === undefined || needed <= free) return;
  throw new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
    what: `${path} requires ${needed} more bytes, but ${await describeSpace(directory)}.`,
    remedy: 'Free disk space there, or choose another directory.',
    value: path,
  });
}

/** Syncs `directory` to disk, if supported, so that a rename in it survives a power failure. */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows cannot open directories, and some network file systems cannot sync them.
  }
}

async function describeSpace(directory: string): Promise<string> {
  const free = await freeBytes(directory);
  return free === undefined
    ? `the free space of ${directory} is unknown`
    : `${directory} has ${free} bytes free`;
}

async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { blocks, bavail, bsize } = await statfs(directory);
    // Some network and FUSE file systems report 0 for every field.
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}
