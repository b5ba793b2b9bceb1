import assert from 'node:assert/strict';
import { memberPath } from '../../src/libtorch/wheel-layout';

describe('memberPath', () => {
  const extracted = (members: string[], options = { cuda: false, headers: false }) =>
    members.map((member) => memberPath(member, options)).filter((path) => path !== undefined);
  const inLib = (...files: string[]) => files.map((file) => `torch/lib/${file}`);

  it('includes the math libraries of Linux on ARM, but no CUDA libraries that require a GPU', () => {
    assert.deepEqual(
      extracted([
        ...inLib('libarm_compute.so', 'libc10.so', 'libc10_cuda.so', 'libgfortran.so.5'),
        ...inLib('libgomp.so.1', 'libnvpl_blas_lp64_gomp.so.0', 'libshm.so', 'libtorch_cpu.so'),
        ...inLib('libtorch_cuda.so', 'libtorch_python.so'),
        'nvidia/cu13/lib/libcudart.so.13',
        'nvidia/cu13/lib/libcupti.so.13',
        'nvidia/cu13/lib/libnvperf_host.so',
        'nvidia/cu13/include/cuda.h',
      ]),
      [
        ...['lib/libarm_compute.so', 'lib/libc10.so', 'lib/libgfortran.so.5', 'lib/libgomp.so.1'],
        ...['lib/libnvpl_blas_lp64_gomp.so.0', 'lib/libtorch_cpu.so', 'lib/libcudart.so.13'],
        'lib/libcupti.so.13',
      ],
    );
  });

  it('includes libraries with the file extensions of macOS', () => {
    assert.deepEqual(
      extracted(inLib('libc10.dylib', 'libomp.dylib', 'libshm.dylib', 'libtorch_cpu.dylib')),
      ['lib/libc10.dylib', 'lib/libomp.dylib', 'lib/libtorch_cpu.dylib'],
    );
  });

  it('includes the import libraries of Windows', () => {
    assert.deepEqual(
      extracted([
        ...inLib('c10.dll', 'c10.lib', 'fmt.lib', 'libiomp5md.dll', 'libiompstubs5md.dll'),
        ...inLib('torch_cpu.dll', 'torch_cpu.lib', 'torch_python.dll', 'uv.dll'),
      ]),
      [
        ...['lib/c10.dll', 'lib/c10.lib', 'lib/libiomp5md.dll'],
        ...['lib/torch_cpu.dll', 'lib/torch_cpu.lib', 'lib/uv.dll'],
      ],
    );
  });

  it('places all CUDA libraries in one directory', () => {
    assert.deepEqual(
      extracted(
        [
          ...inLib('libc10_cuda.so', 'libtorch_cuda.so', 'libtorch_cuda_linalg.so'),
          ...inLib('libcaffe2_nvrtc.so', 'libtorch_nvshmem.so', 'libtorch.so'),
          'nvidia/cudnn/lib/libcudnn_graph.so.9',
          'nvidia/cu13/lib/libnvperf_host.so',
          'nvidia/nvshmem/lib/libnvshmem_device.a',
        ],
        { cuda: true, headers: false },
      ),
      [
        ...['lib/libc10_cuda.so', 'lib/libtorch_cuda.so', 'lib/libtorch_cuda_linalg.so'],
        ...['lib/libcaffe2_nvrtc.so', 'lib/libtorch_nvshmem.so', 'lib/libcudnn_graph.so.9'],
        'lib/libnvperf_host.so',
      ],
    );
  });

  it('includes headers only on request', () => {
    const header = 'torch/include/c10/core/Device.h';
    assert.equal(memberPath(header, { cuda: false, headers: false }), undefined);
    assert.equal(memberPath(header, { cuda: false, headers: true }), 'include/c10/core/Device.h');
    assert.equal(memberPath('torch/include/', { cuda: false, headers: true }), undefined);
    const toolkit = 'nvidia/cu13/include/crt/host_config.h';
    assert.equal(memberPath(toolkit, { cuda: false, headers: true }), undefined);
    assert.equal(memberPath(toolkit, { cuda: true, headers: false }), undefined);
    assert.equal(memberPath(toolkit, { cuda: true, headers: true }), 'include/crt/host_config.h');
  });
});
