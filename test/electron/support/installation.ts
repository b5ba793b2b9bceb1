import { link, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { builds, electronCache, type Major } from './builds';

/** An app that is installed like a packaged one: in the directory `resources` of a copy of Electron. */
export interface Installation {
  readonly executable: string;
  readonly resources: string;
  remove(): Promise<void>;
}

/** Electron takes an app for packaged only if its executable is not named `electron`. */
const executableName = 'semisup-photos';

/** Installs Electron without an app. @param electron the path of Electron's executable */
export async function install(electron: string): Promise<Installation> {
  const source = dirname(electron);
  const directory = await mkdtemp(join(electronCache, 'installation-'));
  // Electron finds its files next to its executable, whose path must therefore not be a symbolic link.
  for (const name of await readdir(source)) {
    if (name === 'resources') continue;
    if (name === basename(electron))
      await link(join(source, name), join(directory, executableName));
    else await symlink(join(source, name), join(directory, name));
  }
  const resources = join(directory, 'resources');
  await mkdir(resources);
  return {
    executable: join(directory, executableName),
    resources,
    remove: async () => {
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The switches without which Electron does not run here. */
export const switches = ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];

export function versionOf(major: Major): string {
  return builds[major].version;
}
