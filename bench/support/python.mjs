import { execFileSync, spawnSync } from 'node:child_process';

/** The Python with torch, onnx, onnxruntime, openvino, nncf, numpy and pillow; undefined excludes the Python peers. */
export const python = process.env.SEMISUP_BENCH_PYTHON || undefined;

/** The GPU, its driver and its libraries, as reported by PyTorch and nvidia-smi. */
export function gpuVersions() {
  const query = ['--query-gpu=driver_version', '--format=csv,noheader'];
  const [driver] = (spawnSync('nvidia-smi', query, { encoding: 'utf8' }).stdout ?? '').split('\n');
  return [gpuAndPyTorch(), driver && `NVIDIA driver ${driver}`].filter(Boolean).join('; ');
}

function gpuAndPyTorch() {
  if (!python) return 'no Python';
  const script =
    'import torch; p = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None; print(f"{p.name}, {p.total_memory >> 30} GiB, {p.multi_processor_count} multiprocessors" if p else "no GPU", f"; Python\'s PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}", sep="")';
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
}

/** The versions of the Python packages, for the header of a result. */
export function pythonVersions() {
  if (!python) return 'no Python';
  const script = `
import importlib.metadata as metadata
names = ("torch", "onnxruntime", "openvino", "nncf", "pillow")
versions = {package.name: package.version for package in metadata.distributions()}
print("Python's", ", ".join(f"{name} {versions.get(name, '(missing)')}" for name in names))`;
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
}
