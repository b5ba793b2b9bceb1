import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { libraryName } from './libraries';

/** What a folder of LibTorch says of itself. */
export interface LibTorchFolder {
  /** Absolute path of the folder that holds `lib`, and `include` where the headers are there. */
  readonly dir: string;
  /** E.g. `2.13.0`. */
  readonly version: string;
  /** `cpu`, or the CUDA version as PyTorch writes it, e.g. `cu130`. */
  readonly variant: string;
  /** Whether the addon can be compiled against it. */
  readonly headers: boolean;
}

/** Reads a folder of LibTorch, or tells in words why it is none. */
export function readFolder(dir: string): LibTorchFolder | string {
  if (!existsSync(dir)) return 'there is no such folder';
  const libraries = libraryNames(join(dir, 'lib'));
  const missing = ['c10', 'torch_cpu'].filter((name) => !libraries.includes(name));
  if (missing.length > 0) return `its lib folder has no library ${missing.join(' and ')}`;
  const manifest = readManifest(dir);
  if (!manifest) return 'neither version.py nor build-version nor include tells its version';
  return {
    dir,
    version: manifest.version,
    variant: libraries.includes('torch_cuda') ? manifest.cuda : 'cpu',
    headers: existsSync(join(dir, 'include', 'ATen', 'ATen.h')),
  };
}

/** `2.13` of `2.13.0`: within it, one compiled addon fits. */
export function majorMinor(version: string): string {
  return version.split('.', 2).join('.');
}

function libraryNames(lib: string): (string | undefined)[] {
  try {
    return readdirSync(lib).map(libraryName);
  } catch {
    return [];
  }
}

/** Reads the version from the file that a wheel, a zip or the headers of LibTorch carry. */
function readManifest(dir: string): { version: string; cuda: string } | undefined {
  const wheel = readText(join(dir, 'version.py'));
  const zip = readText(join(dir, 'build-version'));
  const headers = [
    'include/torch/headeronly/version.h',
    'include/torch/csrc/api/include/torch/version.h',
  ].map((file) => readText(join(dir, file)));

  const full =
    /__version__ = '([^']+)'/.exec(wheel)?.[1] ?? /^\d[^\s]*/.exec(zip)?.[0] ?? macros(headers);
  const version = /^\d+\.\d+\.\d+/.exec(full ?? '')?.[0];
  if (version === undefined) return undefined;
  const toolkit = /^cuda\b.*'(\d+)\.(\d+)'/m.exec(wheel);
  return {
    version,
    cuda: toolkit ? `cu${toolkit[1]}${toolkit[2]}` : (full?.split('+')[1] ?? 'cuda'),
  };
}

function macros(headers: readonly string[]): string | undefined {
  const numbers = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`TORCH_VERSION_${part} (\\d+)`).exec(headers.join('\n'))?.[1],
  );
  return numbers.includes(undefined) ? undefined : numbers.join('.');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
