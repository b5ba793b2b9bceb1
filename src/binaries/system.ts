import { closeSync, openSync, readSync } from 'node:fs';
import { LibTorchError } from '../errors';

/** The oldest glibc for which PyTorch's wheels are built (manylinux_2_28). */
const minimumGlibc = '2.28';

const otherSystem = `Use a system with glibc ${minimumGlibc} or newer, for example the Docker image node:22-bookworm-slim.`;

/**
 * Throws if Node was built for musl: LibTorch and the addon exist for glibc only.
 *
 * @throws LibTorchError `ERR_SEMISUP_PLATFORM`
 */
export function checkNotMusl(interpreter = dynamicLinker(process.execPath)): void {
  if (!interpreter?.includes('ld-musl-')) return;
  throw new LibTorchError('ERR_SEMISUP_PLATFORM', {
    what: `LibTorch exists for glibc only, but this system uses musl (${interpreter}), as Alpine Linux does.`,
    remedy: otherSystem,
    value: interpreter,
  });
}

/**
 * Throws if LibTorch cannot run with this system's C library.
 *
 * @param version of glibc; undefined if the system has another C library
 * @throws LibTorchError `ERR_SEMISUP_PLATFORM`
 */
export function checkCLibrary(version = glibcVersion()): void {
  checkNotMusl();
  if (version === undefined || compareVersions(version, minimumGlibc) >= 0) return;
  throw new LibTorchError('ERR_SEMISUP_PLATFORM', {
    what: `LibTorch requires glibc ${minimumGlibc} or newer, but this system has glibc ${version}.`,
    remedy: otherSystem,
    value: version,
  });
}

/** The version of glibc that this process uses. Blocks for up to 50 ms. */
export function glibcVersion(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // The types of Node 20 lack `excludeNetwork`.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  // Otherwise the report resolves the names of the network interfaces, which can take seconds.
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header?.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/** The dynamic linker that an executable names, near its start; undefined if it is not readable or not ELF. */
function dynamicLinker(file: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const head = Buffer.alloc(4096);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, head, 0, head.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
  return /\/lib[\w./-]*\/ld-[\w.-]+/.exec(head.toString('latin1'))?.[0];
}

/** Compares versions of numbers and periods, like a comparator of `sort`. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
