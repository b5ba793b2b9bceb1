import { stat } from 'node:fs/promises';

/** Identifies a file and its content, from its metadata alone. */
export interface Fingerprint {
  /** Device and inode: a rename changes them. */
  readonly file: string;
  /** Size and modification time. */
  readonly content: string;
}

/** Reads the fingerprint of a file; undefined if the path is missing or is not a file. */
export async function readFingerprint(path: string): Promise<Fingerprint | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isFile()) return undefined;
    return { file: `${stats.dev}:${stats.ino}`, content: `${stats.size}:${stats.mtimeNs}` };
  } catch {
    return undefined;
  }
}

/** Whether two fingerprints identify the same file with the same content. */
export function isSameFingerprint(a: Fingerprint | undefined, b: Fingerprint | undefined): boolean {
  return a?.file === b?.file && a?.content === b?.content;
}
