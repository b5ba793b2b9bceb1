// Fits logistic regressions. Arguments: a directory with train.f32, train.i32, test.f32 and test.i32, the dimensions, the
// classes. Responds to a request { c, tolerance } with the milliseconds of a fit and what it recognizes of the test set.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tensor } from '../../lib/index.js';
import { LogisticRegression } from '../../lib/torch/index.js';
import { serve } from './serve.mjs';

const [directory, ...numbers] = process.argv.slice(2);
const [dimensions, classes] = numbers.map(Number);
const read = (name, Type) => {
  const { buffer, byteOffset, byteLength } = readFileSync(join(directory, name));
  return new Type(buffer.slice(byteOffset, byteOffset + byteLength));
};

await serve(async () => {
  const features = read('train.f32', Float32Array);
  const labels = BigInt64Array.from(read('train.i32', Int32Array), BigInt);
  const [testFeatures, testLabels] = [read('test.f32', Float32Array), read('test.i32', Int32Array)];
  const handle = async ({ c, tolerance }) => {
    const began = performance.now();
    const x = Tensor.from(features, [labels.length, dimensions]);
    const regression = await LogisticRegression.open(x, Tensor.from(labels), classes);
    const sampleWeights = Tensor.from(new Float64Array(labels.length).fill(1));
    const { weight, intercept, evaluations } = await regression.fit({
      sampleWeights,
      c,
      tolerance,
    });
    const milliseconds = [performance.now() - began];
    const [w, b] = [await weight.data(), await intercept.data()];
    await regression.close();
    let [correct, nll] = [0, 0];
    for (const [i, label] of testLabels.entries()) {
      const logits = Array.from(b);
      for (let k = 0; k < classes; k++) {
        for (let j = 0; j < dimensions; j++) {
          logits[k] += w[k * dimensions + j] * testFeatures[i * dimensions + j];
        }
      }
      const maximum = Math.max(...logits);
      if (logits[label] === maximum) correct++;
      const sum = logits.reduce((total, one) => total + Math.exp(one - maximum), 0);
      nll += Math.log(sum) + maximum - logits[label];
    }
    const count = testLabels.length;
    return { milliseconds, accuracy: correct / count, nll: nll / count, iterations: evaluations };
  };
  return { handle };
});
