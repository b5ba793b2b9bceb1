import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The libraries to open before the addon, in this order. The linker then finds them, and what they
 * need in turn, by name: the addon itself knows no folder. `torch_cuda` must be opened though the
 * addon does not need it, because otherwise CUDA is silently off; `nvrtc-builtins` is opened later by
 * a library that does not look in its own folder.
 */
const openingOrder = [
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
 * Where nvJPEG may be, in the order to try: beside LibTorch, where the system's linker looks, and in
 * CUDA's toolkit.
 */
export function nvJpegLibraries({ dir }: { readonly dir: string }): string[] {
  const lib = join(dir, 'lib');
  const beside = readdirSync(lib).filter((file) => libraryName(file) === 'nvjpeg');
  const toolkit = join(process.env.CUDA_HOME ?? '/usr/local/cuda', 'lib64', 'libnvjpeg.so');
  return [...beside.map((file) => join(lib, file)), 'libnvjpeg.so.13', 'libnvjpeg.so.12', toolkit];
}

/** Absolute paths of the libraries in LibTorch's `lib` folder that must be opened, in order. */
export function librariesToOpen(lib: string): string[] {
  const files = readdirSync(lib).sort();
  // Some builds carry a hash in the name: libgomp-a34b3233.so.1.
  const isOf = (file: string, name: string): boolean => {
    const found = libraryName(file);
    return found === name || (found?.startsWith(`${name}-`) ?? false);
  };
  return openingOrder.flatMap((name) =>
    files.filter((file) => isOf(file, name)).map((file) => join(lib, file)),
  );
}
