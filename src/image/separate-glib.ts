import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { findBinaries, unpackedPath } from '../binaries';

/**
 * Opens sharp's libraries so that they use the GLib inside libvips, not Electron's. Does nothing outside of Electron
 * on Linux, and has no effect if the application has already loaded sharp.
 *
 * Electron's executable is linked to the system's GLib, for GTK, and thus comes first in the global symbol scope.
 * sharp's addon, loaded normally, calls `g_object_ref` and `g_object_unref` of that GLib with objects of the GLib
 * inside libvips: depending on the system's GLib this prints assertions and leaks every image, or crashes.
 *
 * `RTLD_DEEPBIND` makes the addon search its own dependencies first. libvips must be open already, because the flag
 * would otherwise apply to it, too: it would free with glibc's `free` what `strdup` and `vasprintf` allocated with
 * Electron's `malloc`. The addon itself frees only memory that it or libvips allocated.
 *
 * @returns whether they are open
 */
export function separateGlib(): boolean {
  if (process.platform !== 'linux' || process.versions.electron === undefined) return false;
  const libraries = findLibraries();
  if (!libraries) return false;
  try {
    findBinaries().loader.openSync([libraries.libvips]);
  } catch {
    // Without the loader or libvips, sharp is loaded normally, and reports what is missing.
    return false;
  }
  const flags = constants.dlopen.RTLD_LAZY | constants.dlopen.RTLD_DEEPBIND;
  process.dlopen({ exports: {} }, libraries.addon, flags);
  return true;
}

/** The paths of sharp's addon and its libvips; undefined if they are not those of sharp's own packages. */
function findLibraries(): { readonly addon: string; readonly libvips: string } | undefined {
  const platform = `linux-${process.arch}`;
  try {
    const { resolve } = createRequire(require.resolve('sharp'));
    const libvips = unpackedPath(resolve(`@img/sharp-libvips-${platform}/binary`));
    const lib = unpackedPath(join(dirname(resolve(`@img/sharp-${platform}/sharp.node`)), 'lib'));
    const [addon, ...others] = readdirSync(lib).filter((name) => name.endsWith('.node'));
    if (addon === undefined || others.length > 0) return undefined;
    return { addon: join(lib, addon), libvips };
  } catch {
    return undefined;
  }
}
