// The models that benchmarks run: made by formula, so that nothing is fetched.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { python } from './python.mjs';

const torchScriptMaker = fileURLToPath(new URL('make-model.ts', import.meta.url));
const onnxMaker = fileURLToPath(new URL('make_onnx.py', import.meta.url));
const kept = process.env.SEMISUP_BENCH_MODELS || undefined;

/** Makes TorchScript files, one for each class that they are to prefer, or one. Returns the paths. */
export function makeTorchScript(folder, architecture, ...favourites) {
  const args = ['--require', 'tsx', torchScriptMaker, folder, architecture, ...favourites];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
}

/**
 * Runs `work` in a folder for models and other files, which is removed afterwards, unless
 * `SEMISUP_BENCH_MODELS` names one to be kept.
 */
export async function withFolder(work) {
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'semisup-bench-'));
  mkdirSync(folder, { recursive: true });
  try {
    return await work(folder);
  } finally {
    if (!kept) rmSync(folder, { recursive: true });
  }
}

/** The path of an architecture as TorchScript, made if it is not there. */
export function torchScriptFile(folder, architecture) {
  const path = join(folder, `${architecture}.pt`);
  if (!existsSync(path)) makeTorchScript(folder, architecture);
  return path;
}

/**
 * The paths of an architecture as TorchScript and as ONNX with the same weights, made if they are not
 * there. Without a Python the ONNX file may be missing.
 */
export function modelFiles(folder, architecture) {
  const torchScript = torchScriptFile(folder, architecture);
  const onnx = join(folder, `${architecture}.onnx`);
  if (!existsSync(onnx) && python) {
    execFileSync(python, ['-W', 'ignore', onnxMaker, folder, architecture]);
  }
  return { architecture, torchScript, onnx };
}
