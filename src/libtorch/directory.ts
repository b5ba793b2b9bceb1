import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorReason } from '../net/error-reason';
import { libraryName } from './libraries';

/** A LibTorch directory. */
export interface LibTorchDirectory {
  /** Absolute path of the directory that contains `lib`, and `include` if the headers are installed. */
  readonly dir: string;
  /** E.g. `2.13.0`. */
  readonly version: string;
  /** `cpu`, or the CUDA version as PyTorch writes it, e.g. `cu130`. */
  readonly variant: string;
  /** Whether the addon can be compiled against it. */
  readonly headers: boolean;
}

/** Reads a LibTorch directory, or returns why it is not one. */
export function readLibTorchDirectory(dir: string): LibTorchDirectory | string {
  try {
    if (!existsSync(dir)) return 'the directory does not exist';
  } catch (error) {
    return errorReason(error);
  }
  const libraries = libraryNames(join(dir, 'lib'));
  const missing = ['c10', 'torch_cpu'].filter((name) => !libraries.includes(name));
  if (missing.length > 0) return `its lib directory does not contain ${missing.join(' and ')}`;
  const manifest = readManifest(dir);
  if (!manifest) return 'its version is in neither version.py, build-version nor include';
  return {
    dir,
    version: manifest.version,
    variant: libraries.includes('torch_cuda') ? manifest.cuda : 'cpu',
    headers: existsSync(join(dir, 'include', 'ATen', 'ATen.h')),
  };
}

function libraryNames(lib: string): (string | undefined)[] {
  try {
    return readdirSync(lib).map(libraryName);
  } catch {
    return [];
  }
}

/** Reads the version from a file of LibTorch's wheel, its zip archive or its headers. */
function readManifest(dir: string): { version: string; cuda: string } | undefined {
  const wheel = readText(join(dir, 'version.py'));
  const zip = readText(join(dir, 'build-version'));
  const headers = [
    'include/torch/headeronly/version.h',
    'include/torch/csrc/api/include/torch/version.h',
  ].map((file) => readText(join(dir, file)));

  const full =
    /__version__ = '([^']+)'/.exec(wheel)?.[1] ??
    /^\d[^\s]*/.exec(zip)?.[0] ??
    macroVersion(headers);
  const version = /^\d+\.\d+\.\d+/.exec(full ?? '')?.[0];
  if (version === undefined) return undefined;
  const toolkit = /^cuda\b.*'(\d+)\.(\d+)'/m.exec(wheel);
  return {
    version,
    cuda: toolkit ? `cu${toolkit[1]}${toolkit[2]}` : (full?.split('+')[1] ?? 'cuda'),
  };
}

function macroVersion(headers: readonly string[]): string | undefined {
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
