import { readFileSync } from 'node:fs';

/** Opens an ONNX Runtime session. */
export async function openSession(path, threads) {
  // Imported here, so that the contender can report a missing package.
  const { InferenceSession, Tensor } = (await import('onnxruntime-node')).default;
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
  return `onnxruntime-node ${dependencies['onnxruntime-node']}`;
}
