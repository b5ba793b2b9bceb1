import { formatMetadata, metadataFile } from '../../src/models/metadata';
import { Tensor } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import type { ModuleSpec } from '../../src/types';
import { float32Bytes, makeSmallNet, smallNet } from './small-net';

/** The output for `ones()` of a net of this scale. */
export const outputOf = (scale: number) => new Float32Array([7 * scale, 10 * scale]);

/** Float32 [1, 3, 2, 2]. */
export function ones(): Tensor {
  return Tensor.from(new Float32Array(3 * 4).fill(1), [1, 3, 2, 2]);
}

/** A small net whose outputs are multiplied by `scale`. */
export async function makeNet(scale: number): Promise<ScriptModule> {
  const module = await makeSmallNet();
  await fill(module, 'scale', [], [scale]);
  return module;
}

/** Writes a TorchScript module without metadata, and returns the path. */
export async function saveNet(path: string, scale: number): Promise<string> {
  await using module = await makeNet(scale);
  await module.save(path, { extraFiles: {} });
  return path;
}

/** Writes a module without parameters that is compiled from `source`, and returns the path. */
export async function saveSource(path: string, source: string): Promise<string> {
  await using module = await ScriptModule.create({ type: 'Net', source });
  await module.save(path, { extraFiles: {} });
  return path;
}

/** The width and height of the input images of a small classifier, in pixels. */
export const side = 4;

/** An image whose samples are all `level`. */
export function image(level = 200) {
  return {
    data: Buffer.alloc(side * side * 3, level),
    width: side,
    height: side,
    channels: 3 as const,
  };
}

/** Writes a module with export metadata that always predicts `favorite`, and returns the path. */
export async function saveClassifier(path: string, favorite: number, classes = 3): Promise<string> {
  const spec: ModuleSpec = {
    ...smallNet,
    type: 'SmallClassifier',
    source: smallNet.source.replaceAll('pooled', 'features'),
    parameters: {
      weight: { dtype: 'float32', shape: [classes, 4] },
      bias: { dtype: 'float32', shape: [classes] },
    },
  };
  await using module = await ScriptModule.create(spec);
  await fill(module, 'conv.weight', [4, 3, 1, 1], Array<number>(12).fill(0.1));
  await fill(
    module,
    'bias',
    [classes],
    Array.from({ length: classes }, (_, i) => (i === favorite ? 5 : 0)),
  );
  await fill(module, 'scale', [], [1]);
  const metadata = formatMetadata({
    name: `favors ${favorite}`,
    architecture: 'resnet18',
    stride: 'v1.5',
    numClasses: classes,
    head: 'checkpoint',
    labels: null,
    license: null,
    source: { file: 'none', sha256: '0'.repeat(64) },
    transform: { resize: side, crop: side, mean: [0.5, 0.5, 0.5], std: [1, 1, 1] },
  });
  await module.save(path, { extraFiles: { [metadataFile]: metadata } });
  return path;
}

async function fill(module: ScriptModule, name: string, shape: number[], values: number[]) {
  const stride = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  await module.fill(name, float32Bytes(values), { dtype: 'float32', shape, stride });
}
