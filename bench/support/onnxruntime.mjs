import { readFileSync } from 'node:fs';

/** An ONNX Runtime session with as many threads as the others have. */
export async function openSession(path, threads) {
  // Imported late, so that a contender can say that it is not installed.
  const { InferenceSession, Tensor } = (await import('onnxruntime-node')).default;
  const session = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  return { session, Tensor };
}

/** The package and its version, for the origin of a table. */
export function onnxruntimeVersion() {
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));
  return `onnxruntime-node ${dependencies['onnxruntime-node']}`;
}
