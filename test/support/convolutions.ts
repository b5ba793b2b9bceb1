import { contiguousStride } from '../../src/checkpoint';
import { ScriptModule, Tensor } from '../../src/torch';
import { uniform } from './generated-checkpoint';

/**
 * A module of TorchScript of one's own, with weights by formula.
 *
 * @param forward the body of `forward(self, x)`, a line each
 * @param weights their shapes by name; of four dimensions, they neither amplify nor dampen
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
    const inputs = product(shape.slice(1));
    const values = uniform(index + 100, product(shape), 0, Math.sqrt(6 / inputs));
    const view = { dtype: 'float32', shape, stride: contiguousStride(shape) } as const;
    await module.fill(name, new Uint8Array(values.buffer), view);
  }
  return module;
}

/** Numbers from -1 to 1, another picture in each place of the batch. */
export function pictures(shape: readonly number[], seed = 1): Tensor {
  return Tensor.from(uniform(seed, product(shape), 0, 1), shape);
}

function product(shape: readonly number[]): number {
  return shape.reduce((count, length) => count * length, 1);
}
