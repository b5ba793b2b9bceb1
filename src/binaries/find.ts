import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { LibTorchError } from '../errors';
import { errorReason } from '../net/error-reason';
import { permissionError } from '../permission';
import { majorMinor } from './major-minor';
import type { Loader } from './loader';
import { checkNotMusl } from './system';
import { oldSystemLibrary } from './system-library';

/** The compiled binaries for this platform. */
export interface Binaries {
  readonly loader: Loader;
  /** Path of the addon of compiled models. */
  readonly engine: string;
  /** Paths of the addons, by the major.minor of their LibTorch. */
  readonly addons: ReadonlyMap<string, string>;
  /** Paths of the CUDA backend libraries, likewise by version; opened only if CUDA is available. */
  readonly cudaBackends: ReadonlyMap<string, string>;
}

/**
 * Finds the binaries and opens the loader.
 *
 * @throws LibTorchError `ERR_SEMISUP_ADDON_NOT_FOUND`, `ERR_SEMISUP_PLATFORM`
 */
export function findBinaries(): Binaries {
  checkNotMusl();
  const root = packageRoot();
  let file: string;
  try {
    // Loaded on first use: it reads /etc/alpine-release, which Node's permission model may deny.
    const { path } = require('node-gyp-build') as typeof import('node-gyp-build');
    file = unpackedPath(path(root));
  } catch (cause) {
    // node-gyp-build's message has several lines.
    const reason = errorReason(cause)
      .trim()
      .replaceAll(/\s*\n\s*/g, ', ');
    throw permissionError(addonFailure, cause) ?? addonNotFound(root, reason, cause);
  }
  const loader = openLoader(file, root);
  const directory = dirname(file);
  const addons = librariesIn(directory, 'torch');
  if (addons.size === 0) {
    throw addonNotFound(
      root,
      `${basename(file)} in ${directory} has no torch-<version> next to it`,
    );
  }
  const engine = join(directory, process.platform === 'win32' ? 'engine.dll' : 'engine.so');
  return { loader, engine, addons, cudaBackends: librariesIn(directory, 'cuda') };
}

/**
 * Loads the addon of compiled models, which does not depend on LibTorch.
 *
 * @throws LibTorchError as `findBinaries`
 * @returns its exports
 */
export function loadEngine(): unknown {
  const { engine } = findBinaries();
  try {
    return dlopen(engine);
  } catch (cause) {
    throw addonNotFound(packageRoot(), errorReason(cause), cause);
  }
}

function packageRoot(): string {
  return resolve(__dirname, '..', '..');
}

/** Path of the CUDA backend library for a LibTorch; undefined if not compiled. */
export function cudaBackend({ version }: { readonly version: string }): string | undefined {
  return findBinaries().cudaBackends.get(majorMinor(version));
}

// `process.dlopen` accepts any file name. With lazy binding, a missing symbol would abort the process on
// its first call, so all symbols are bound now.
export function dlopen(file: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, file, constants.dlopen.RTLD_NOW);
  return module.exports;
}

/** The dynamic linker cannot read Electron's archives; Electron unpacks files next to them. */
export function unpackedPath(file: string): string {
  return file.replace(/\.asar(?=[\\/])/, '.asar.unpacked');
}

/** Paths of the libraries named `<name>-<version>`, by version. */
function librariesIn(directory: string, name: string): Map<string, string> {
  const pattern = new RegExp(`^${name}-(\\d+\\.\\d+)\\.(?:so|dll)$`);
  const found = readdirSync(directory).map(
    (file) => [pattern.exec(file)?.[1] ?? '', join(directory, file)] as const,
  );
  return new Map(found.filter(([version]) => version !== ''));
}

const addonFailure = 'The compiled addon could not be loaded';

/** @throws LibTorchError if the system is too old for the addon, or it cannot be opened for another reason */
function openLoader(file: string, root: string): Loader {
  try {
    return dlopen(file) as Loader;
  } catch (cause) {
    const old = oldSystemLibrary((cause as Error).message);
    if (!old) {
      throw permissionError(addonFailure, cause) ?? addonNotFound(root, errorReason(cause), cause);
    }
    throw new LibTorchError('ERR_SEMISUP_PLATFORM', {
      what: `The compiled addon could not be opened: ${old.problem}.`,
      remedy: old.remedy,
      value: file,
      cause,
    });
  }
}

function addonNotFound(root: string, problem: string, cause?: unknown): LibTorchError {
  if (isBundled(root)) return bundledError(cause);
  return new LibTorchError('ERR_SEMISUP_ADDON_NOT_FOUND', {
    what: `The compiled addon for ${process.platform}-${process.arch} could not be loaded: ${problem}.`,
    remedy: `In a clone, run 'npm run build:native'; otherwise reinstall the package. Its directory ${join(root, 'prebuilds')} contains ${listPrebuilds()}. To compile the addon for another platform, which requires CMake and a C++20 compiler: npm install --save-dev cmake-js node-addon-api && node "${join(root, 'scripts', 'setup.mjs')}" --native`,
    value: root,
    cause,
  });
}

/**
 * The platforms in `prebuilds`. The path is written like this, in a call of readdirSync, for tools that trace
 * the files of a program (nft, which Next.js and Vercel use): they then include all of `prebuilds`.
 */
function listPrebuilds(): string {
  try {
    const platforms = readdirSync(join(__dirname, '..', '..', 'prebuilds')).filter(
      (name) => !name.endsWith('.md'),
    );
    return platforms.join(', ') || 'no platform';
  } catch {
    return 'no platform';
  }
}

/** Whether this code is not in the package's directory: a bundler has copied it into another file. */
function isBundled(root: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      name?: unknown;
    };
    return name !== 'semisup';
  } catch {
    return true;
  }
}

function bundledError(cause: unknown): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_ADDON_NOT_FOUND', {
    what: `The compiled addon was not found, because semisup was bundled into ${__filename}.`,
    remedy: `Mark semisup as external, so that it is loaded from node_modules: esbuild --external:semisup; webpack externals: { semisup: 'commonjs semisup' }; Vite ssr.external: ['semisup']; Rollup external: ['semisup']; Next.js serverExternalPackages: ['semisup'].`,
    value: __filename,
    cause,
  });
}
