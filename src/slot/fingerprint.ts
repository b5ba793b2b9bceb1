import { stat } from 'node:fs/promises';

/** What tells one state of a file from another without reading it. */
export interface Fingerprint {
  /** Which file lies under the name: another one after a rename. */
  readonly file: string;
  /** Size and time of the last write. */
  readonly content: string;
}

/** The fingerprint of what lies under a path now; undefined if that is no file, or nothing. */
export async function fingerprintOf(path: string): Promise<Fingerprint | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isFile()) return undefined;
    return { file: `${stats.dev}:${stats.ino}`, content: `${stats.size}:${stats.mtimeNs}` };
  } catch {
    return undefined;
  }
}

/** Whether two fingerprints are those of one state of one file. */
export function isSame(one: Fingerprint | undefined, other: Fingerprint | undefined): boolean {
  return one?.file === other?.file && one?.content === other?.content;
}
