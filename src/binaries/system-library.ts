import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { compareVersions, glibcVersion } from './system';

/** A library of the system that is older than a library to be opened requires. */
export interface OldSystemLibrary {
  /** What is too old, with the versions, as a clause. */
  readonly problem: string;
  /** As one or more full sentences. */
  readonly remedy: string;
}

/** glibc's dynamic linker: `<path>: version `<prefix>_<version>' not found (required by <path>)`. */
const pattern = /(\S+): version `(\w+?)_([\d.]+)' not found \(required by (.+?)\)/;

/** Whether, and how, a library could not be opened because a library of the system is too old. */
export function oldSystemLibrary(message: string): OldSystemLibrary | undefined {
  const match = pattern.exec(message);
  if (!match) return undefined;
  const [, path, prefix, required, requiring] = match as unknown as string[];
  const isGlibc = prefix === 'GLIBC';
  const name = isGlibc ? 'glibc' : basename(path!);
  const found = isGlibc ? glibcVersion() : highestVersion(path!, prefix!);
  const version = (number: string) => (isGlibc ? number : `${prefix}_${number}`);
  const provided = found === undefined ? '' : `, which provides ${version(found)},`;
  return {
    problem: `the system's ${name} (${path})${provided} is too old: ${requiring} requires ${version(required!)}`,
    remedy: `Update the system to one with glibc 2.28 and GCC's libstdc++ 8 or newer, for example the Docker image node:22-bookworm-slim. Installing LibTorch again does not help.`,
  };
}

/** The highest version with a prefix such as `GLIBCXX` that a library states in its string table. */
function highestVersion(path: string, prefix: string): string | undefined {
  try {
    const text = readFileSync(path, 'latin1');
    const versions = [...text.matchAll(new RegExp(`\\b${prefix}_([\\d.]+)\\0`, 'g'))];
    return versions
      .map(([, version]) => version!)
      .sort(compareVersions)
      .at(-1);
  } catch {
    return undefined;
  }
}
