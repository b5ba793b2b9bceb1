import { execFileSync, spawnSync } from 'node:child_process';

/** The Python of the peers, with torch, onnx, onnxruntime, numpy and pillow; undefined: without them. */
export const python = process.env.SEMISUP_BENCH_PYTHON || undefined;

/** The GPU and what drives it, as its PyTorch sees them. */
export function gpuVersions() {
  const query = ['--query-gpu=driver_version', '--format=csv,noheader'];
  const [driver] = (spawnSync('nvidia-smi', query, { encoding: 'utf8' }).stdout ?? '').split('\n');
  return [gpuAndPyTorch(), driver && `NVIDIA's driver ${driver}`].filter(Boolean).join('; ');
}

function gpuAndPyTorch() {
  if (!python) return 'no Python';
  const script =
    'import torch; p = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None; print(f"{p.name}, {p.total_memory >> 30} GiB, {p.multi_processor_count} multiprocessors" if p else "no GPU", f"; Python\'s PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}", sep="")';
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
}

/** Its packages and their versions, for the origin of a table. */
export function pythonVersions() {
  if (!python) return 'no Python';
  const script =
    'import onnxruntime as o, PIL, torch; print(f"Python\'s PyTorch {torch.__version__}, ONNX Runtime {o.__version__}, Pillow {PIL.__version__}")';
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
}
