// The models of the benchmarks. Their weights are synthetic, so that nothing is downloaded.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { python } from './python.mjs';

const torchScriptMaker = fileURLToPath(new URL('make-model.ts', import.meta.url));
const onnxMaker = fileURLToPath(new URL('make_onnx.py', import.meta.url));
const keptFolder = process.env.SEMISUP_BENCH_MODELS || undefined;

/**
 * Makes a TorchScript file, or one per class that predicts this class for every image. Returns the paths.
 */
export function makeTorchScript(folder, architecture, ...classes) {
  const args = ['--require', 'tsx', torchScriptMaker, folder, architecture, ...classes];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
}

/**
 * Runs `work` with a folder for models and other files: the one in `SEMISUP_BENCH_MODELS`, which is kept,
 * or else a temporary one.
 */
export async function withModelFolder(work) {
  const folder = keptFolder ?? mkdtempSync(join(tmpdir(), 'semisup-bench-'));
  mkdirSync(folder, { recursive: true });
  try {
    return await work(folder);
  } finally {
    if (!keptFolder) rmSync(folder, { recursive: true });
  }
}

/** The path of an architecture's TorchScript file, which is made if it does not exist. */
export function torchScriptFile(folder, architecture) {
  const path = join(folder, `${architecture}.pt`);
  if (!existsSync(path)) makeTorchScript(folder, architecture);
  return path;
}

/**
 * The paths of an architecture's TorchScript and ONNX files with the same weights, which are made if they do
 * not exist. Without Python the ONNX file may be missing.
 */
export function modelFiles(folder, architecture) {
  const torchScript = torchScriptFile(folder, architecture);
  const onnx = join(folder, `${architecture}.onnx`);
  if (!existsSync(onnx) && python) {
    execFileSync(python, ['-W', 'ignore', onnxMaker, folder, architecture]);
  }
  return { architecture, torchScript, onnx };
}
