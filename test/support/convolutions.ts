import { contiguousStride } from '../../src/checkpoint';
import { Tensor } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import { uniform } from './generated-checkpoint';

/**
 * Creates a TorchScript module with synthetic weights, scaled to preserve the magnitude of activations.
 *
 * @param forward the lines of the body of `forward(self, x)`
 * @param weights the shapes of the weights by name
 */
export async function makeNet(
  forward: readonly string[],
  weights: Readonly<Record<string, readonly number[]>> = {},
): Promise<ScriptModule> {
  const source = ['', 'def forward(self, x):', ...forward.map((line) => `    ${line}`), ''];
  const shapes = Object.entries(weights);
  const module = await ScriptModule.create({
    type: 'Net',
    source: source.join('\n'),
    parameters: Object.fromEntries(
      shapes.map(([name, shape]) => [name, { dtype: 'float32', shape }]),
    ),
  });
  for (const [index, [name, shape]] of shapes.entries()) {
    const fanIn = product(shape.slice(1));
    const values = uniform(index + 100, product(shape), 0, Math.sqrt(6 / fanIn));
    const view = { dtype: 'float32', shape, stride: contiguousStride(shape) } as const;
    await module.fill(name, new Uint8Array(values.buffer), view);
  }
  return module;
}

/** Synthetic images of values in [-1, 1), different at each index of the batch. */
export function syntheticImages(shape: readonly number[], seed = 1): Tensor {
  return Tensor.from(uniform(seed, product(shape), 0, 1), shape);
}

function product(shape: readonly number[]): number {
  return shape.reduce((count, length) => count * length, 1);
}
