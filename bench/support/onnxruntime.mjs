import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** A changed copy of the package, e.g. one that is limited to AVX2. */
const copy = process.env.SEMISUP_BENCH_ONNXRUNTIME || undefined;

/** Opens an ONNX Runtime session. */
export async function openSession(path, threads) {
  // Imported here, so that the contender can report a missing package.
  const { InferenceSession, Tensor } = require(copy ?? 'onnxruntime-node');
  const session = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  return { session, Tensor };
}

/** The package and its version, for the header of a result. */
export function onnxruntimeVersion() {
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));
  return `onnxruntime-node ${dependencies['onnxruntime-node']}${copy ? ' (a changed copy)' : ''}`;
}
