import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from '../../src/native';
import type { ScriptModule } from '../../src/torch';
import { pythonCommand, pythonLacks } from './python';
import { root } from './run-node';

/** The families of networks that `make-networks.py` writes. */
export const networkNames = [
  'efficientnet',
  'mobilenet-v2',
  'mobilenet-v3',
  'convnext',
  'densenet',
  'inception',
  'dilated',
] as const;

/** The classes of each network. */
export const networkClasses = 10;

/** A scripted network, and the logits that Python's PyTorch computes for images. */
export interface Network {
  readonly path: string;
  /** Five images [5, 3, height, width], whose sides are odd. */
  readonly shape: readonly number[];
  readonly images: Float32Array;
  readonly logits: Float32Array;
}

/** Writes all networks to a directory for a suite, by the reference Python; skips the suite without one. */
export function temporaryNetworks(): { path: string } {
  const directory = { path: '' };
  before(function () {
    const lacking = pythonLacks(['torch', 'numpy']);
    if (lacking) {
      this.test!.parent!.title += ` (skipped: ${lacking})`;
      this.skip();
    }
    directory.path = mkdtempSync(join(tmpdir(), 'semisup-networks-'));
    const script = join(root, 'test', '40.torch', 'make-networks.py');
    execFileSync(pythonCommand, [script, directory.path], { stdio: 'pipe' });
  });
  after(() => {
    if (directory.path) rmSync(directory.path, { recursive: true });
  });
  return directory;
}

export function readNetwork(directory: string, name: string): Network {
  const floats = (path: string) => new Float32Array(new Uint8Array(readFileSync(path)).buffer);
  const { shape } = JSON.parse(readFileSync(join(directory, 'networks.json'), 'utf8')) as Network;
  return {
    path: join(directory, `${name}.pt`),
    shape,
    images: floats(join(directory, `${name}.input.f32`)),
    logits: floats(join(directory, `${name}.logits.f32`)),
  };
}

/** The logits of the first images of a network. */
export async function logitsOf(
  net: Pick<ScriptModule, 'invoke'>,
  { shape, images }: Network,
  count: number,
): Promise<Float32Array> {
  const size = images.length / shape[0]!;
  using input = Tensor.from(images.slice(0, count * size), [count, ...shape.slice(1)]);
  using output = await net.invoke('forward', [input]);
  return (await output.data()) as Float32Array;
}

/** The largest difference from the first of the expected logits, relative to the largest of these. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  const first = expected.subarray(0, actual.length);
  const largest = Math.max(...first.map(Math.abs));
  return Math.max(...actual.map((value, i) => Math.abs(value - first[i]!))) / largest;
}
