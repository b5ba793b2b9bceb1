import { libraryName } from './libraries';

// The other files in torch/lib are for Python, for tests, or duplicates for linking.
const torchLibraries = ['c10', 'torch_cpu', 'gomp', 'omp', 'iomp5md', 'uv'];
const armLibraries = /^(arm_compute|nvpl_|gfortran)/;
const cudaLibraries = [
  'c10_cuda',
  'torch_cuda',
  'torch_cuda_linalg',
  'torch_nvshmem',
  'caffe2_nvrtc',
];
// What torch_cpu of the CUDA build depends on. CUPTI's other libraries (39 MB) profile GPUs.
const neededByCpu = ['cudart', 'cupti'];
const importLibraries = ['c10.lib', 'torch_cpu.lib'];

/**
 * The path of a wheel's member relative to the LibTorch directory, undefined if it is not needed. The
 * libraries of all wheels go into `lib`, where they find each other.
 */
export function memberPath(
  member: string,
  { cuda, headers }: { cuda: boolean; headers: boolean },
): string | undefined {
  const [, torchLibrary] = /^torch\/lib\/([^/]+)$/.exec(member) ?? [];
  if (torchLibrary !== undefined) {
    return isNeeded(torchLibrary, cuda) ? `lib/${torchLibrary}` : undefined;
  }
  const [, nvidiaLibrary] = /^nvidia\/.*\/lib\/([^/]+\.so[\d.]*)$/.exec(member) ?? [];
  if (nvidiaLibrary !== undefined) {
    const isNeededHere = cuda || neededByCpu.includes(libraryName(nvidiaLibrary)!);
    return isNeededHere ? `lib/${nvidiaLibrary}` : undefined;
  }
  const [, licenseOf] =
    /^([^/]+)\.dist-info\/(?:licenses\/)?licen[cs]e(?:\.txt)?$/i.exec(member) ?? [];
  if (licenseOf !== undefined) return `licenses/${licenseOf}.txt`;
  if (member === 'torch/version.py') return 'version.py';
  if (!headers) return undefined;
  if (/^torch\/include\/.*[^/]$/.test(member)) return member.slice('torch/'.length);
  const [, toolkitHeader] = /^nvidia\/cu\d+\/include\/(.*[^/])$/.exec(member) ?? [];
  return cuda && toolkitHeader !== undefined ? `include/${toolkitHeader}` : undefined;
}

function isNeeded(file: string, cuda: boolean): boolean {
  const name = libraryName(file);
  if (name === undefined) return importLibraries.includes(file);
  return (
    torchLibraries.includes(name) ||
    armLibraries.test(name) ||
    (cuda && cudaLibraries.includes(name))
  );
}
