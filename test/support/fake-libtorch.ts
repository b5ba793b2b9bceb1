import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Wheel } from '../../src/libtorch/wheels';
import { sha256 } from './http-server';
import { writeZip } from './zip';

/** The contents of files by relative path. */
type Files = Record<string, string>;

/** The files that identify a LibTorch directory. The libraries cannot be opened. */
export const libTorchFiles: Files = {
  'version.py': "__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\n",
  'lib/libc10.so': 'c10',
  'lib/libtorch_cpu.so': 'torch_cpu',
  'lib/libgomp.so.1': 'gomp',
};

export async function writeFiles(directory: string, files: Files): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

/** The files of a LibTorch wheel, including some that the installation skips. */
export const wheelFiles: Files = {
  ...Object.fromEntries(
    Object.entries(libTorchFiles).map(([path, content]) => [`torch/${path}`, content]),
  ),
  'torch/lib/libtorch_cuda.so': 'torch_cuda',
  'torch/lib/libtorch_python.so': 'torch_python',
  'torch/__init__.py': 'import everything',
  'torch/include/ATen/ATen.h': '#pragma once',
  'torch-2.13.0+cpu.dist-info/licenses/LICENSE': 'BSD',
};

export interface FakeWheel extends Wheel {
  readonly bytes: Buffer;
}

/** Writes a wheel into `directory` and returns its entry for the table of wheels. */
export async function writeWheel(
  directory: string,
  files: Files = wheelFiles,
  file = 'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl',
): Promise<FakeWheel> {
  const path = join(directory, file);
  const records = Object.entries(files).map(([name, content]) => {
    const data = Buffer.from(content);
    return { name, data, crc32: crc32(data) };
  });
  await writeZip(path, records);
  const bytes = await readFile(path);
  return { file, bytes, sha256: sha256(bytes), size: bytes.length };
}
