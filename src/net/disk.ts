import { open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError } from '../errors';
import { reason } from './reason';

/** Runs an operation that writes `path`; what it throws becomes `ERR_SEMISUP_DOWNLOAD_DISK`. */
export async function writing<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    throw new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
      what: `${path} cannot be written: ${reason(cause)}; ${await space(dirname(path))}.`,
      remedy:
        'Make room or give access there, or choose another folder. What has come so far is kept and continued.',
      value: path,
      cause,
    });
  }
}

/** The error for a file or folder that cannot be read. */
export function unreadable(path: string, cause: unknown): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
    what: `${path} cannot be read: ${reason(cause)}.`,
    remedy: 'Check what it is and who may read it.',
    value: path,
    cause,
  });
}

/** Throws `ERR_SEMISUP_DOWNLOAD_DISK` where `path` needs more bytes than its file system has free. */
export async function checkSpace(path: string, needed: number): Promise<void> {
  const folder = dirname(path);
  const free = await freeBytes(folder);
  if (free === undefined || needed <= free) return;
  throw new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
    what: `${path} needs ${needed} bytes more, and ${await space(folder)}.`,
    remedy: 'Make room there, or choose another folder.',
    value: path,
  });
}

/** Makes a rename in `folder` last through a power cut, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows opens no folders, and some network file systems sync none.
  }
}

async function space(folder: string): Promise<string> {
  const free = await freeBytes(folder);
  return free === undefined
    ? `the free space of ${folder} is not known`
    : `${folder} has ${free} bytes free`;
}

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { blocks, bavail, bsize } = await statfs(folder);
    // Some network and FUSE file systems say 0 of everything.
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}
