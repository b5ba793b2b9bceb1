import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** CMake's toolchain file to compile for an architecture; undefined for that of this machine. */
export function toolchainOf(arch) {
  if (arch === process.arch) return undefined;
  const file = join(here, `${process.platform}-${arch}.cmake`);
  if (existsSync(file)) return file;
  throw new Error(
    `Expected an architecture that this machine (${process.platform}-${process.arch}) can compile for, but received ${arch}. Run this on a machine of that architecture.`,
  );
}
