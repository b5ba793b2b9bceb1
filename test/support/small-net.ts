import { ScriptModule } from '../../src/torch';
import type { ModuleSpec } from '../../src/types';

/** A small network: a 1x1 convolution without bias, then a linear layer. */
export const smallNet: ModuleSpec = {
  type: 'SmallNet',
  source: `
def pooled(self, x):
    x = torch.conv2d(x, self.conv.weight, None, [1, 1], [0, 0], [1, 1], 1)
    return torch.flatten(torch.adaptive_avg_pool2d(x, [1, 1]), 1)

def forward(self, x):
    return torch.linear(self.pooled(x), self.weight, self.bias) * self.scale
`,
  parameters: {
    weight: { dtype: 'float32', shape: [2, 4] },
    bias: { dtype: 'float32', shape: [2] },
  },
  buffers: { scale: { dtype: 'float32', shape: [] } },
  modules: {
    conv: {
      type: 'Conv',
      source: '\ndef forward(self, x):\n    return x\n',
      parameters: { weight: { dtype: 'float32', shape: [4, 3, 1, 1] } },
    },
  },
};

/** The bytes of float32 values. */
export function float32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** `smallNet` with weights: its output for an input of ones is [7, 10] times 3. */
export async function makeSmallNet(): Promise<ScriptModule> {
  const module = await ScriptModule.create(smallNet);
  const fill = (name: string, shape: number[], stride: number[], values: number[]) =>
    module.fill(name, float32Bytes(values), { dtype: 'float32', shape, stride });
  // Rows 1, 2, 3 / 0, 1, 0 / 0, 0, 1 / 1, 0, 0 in column-major order: `pooled` of ones is 6, 1, 1, 1.
  await fill('conv.weight', [4, 3, 1, 1], [1, 4, 1, 1], [1, 0, 0, 1, 2, 1, 0, 0, 3, 0, 1, 0]);
  await fill('weight', [2, 4], [4, 1], [1, 0, 0, 0, 1, 1, 1, 1]);
  await fill('bias', [2], [1], [1, 1]);
  await fill('scale', [], [], [3]);
  return module;
}
