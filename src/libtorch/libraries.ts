import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The libraries to open before the addon, in this order, so that the dynamic linker resolves the
 * addon's dependencies by name; the addon has no rpath. `torch_cuda` is not a dependency of the addon,
 * but without it CUDA is silently unavailable. `nvrtc-builtins` is opened later by a library that does
 * not search its own directory.
 */
const loadOrder = [
  'gomp',
  'omp',
  'iomp5md',
  'c10',
  'cudart',
  'cupti',
  'nvrtc-builtins',
  'torch_cpu',
  'c10_cuda',
  'torch_cuda',
];

/** `torch_cpu` of `libtorch_cpu.so`, `libtorch_cpu.dylib` or `torch_cpu.dll`; else undefined. */
export function libraryName(file: string): string | undefined {
  return /^(?:lib)?([\w.-]+?)\.(?:so[\d.]*|dylib|dll)$/.exec(file)?.[1];
}

/**
 * Candidate paths of nvJPEG, in order: next to LibTorch, on the dynamic linker's search path, and in the
 * CUDA toolkit.
 */
export function nvJpegLibraries({ dir }: { readonly dir: string }): string[] {
  const lib = join(dir, 'lib');
  const beside = readdirSync(lib).filter((file) => libraryName(file) === 'nvjpeg');
  const toolkit = join(process.env.CUDA_HOME ?? '/usr/local/cuda', 'lib64', 'libnvjpeg.so');
  return [...beside.map((file) => join(lib, file)), 'libnvjpeg.so.13', 'libnvjpeg.so.12', toolkit];
}

/** Absolute paths of the libraries in LibTorch's `lib` directory that must be opened, in order. */
export function librariesToOpen(lib: string): string[] {
  const files = readdirSync(lib).sort();
  // In some builds, library names contain a hash: libgomp-a34b3233.so.1.
  const isOf = (file: string, name: string): boolean => {
    const found = libraryName(file);
    return found === name || (found?.startsWith(`${name}-`) ?? false);
  };
  return loadOrder.flatMap((name) =>
    files.filter((file) => isOf(file, name)).map((file) => join(lib, file)),
  );
}
