import { execFileSync } from 'node:child_process';

/** The Python of the peers, with torch, onnx, onnxruntime, numpy and pillow; undefined: without them. */
export const python = process.env.SEMISUP_BENCH_PYTHON || undefined;

/** Its packages and their versions, for the origin of a table. */
export function pythonVersions() {
  if (!python) return 'no Python';
  const script =
    'import onnxruntime as o, PIL, torch; print(f"Python\'s PyTorch {torch.__version__}, ONNX Runtime {o.__version__}, Pillow {PIL.__version__}")';
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
}
