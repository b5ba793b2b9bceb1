import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, span, type Checkpoint, type StoredTensor } from '../../../src/checkpoint';
import { SemisupError } from '../../../src/errors';
import { dtypeBytes } from '../../../src/types';
import type { Outcome, TargetContext } from '../target';

/** A tensor in a form that can be compared: dtype, shape and SHA-256 of its elements in row-major order. */
type Summary = Record<string, readonly [dtype: string, shape: readonly number[], sha256: string]>;

/** Views that repeat elements may have many more than the file has bytes. */
const maxElements = 2 ** 16;

/**
 * Reads checkpoints, and compares those that are accepted with what a function of oracle.py returns: undefined if
 * it refuses the file, else every tensor by dotted name.
 */
export async function openReader(
  { directory, askPython }: TargetContext,
  name: string,
  oracle: string | undefined,
): Promise<(input: Buffer) => Promise<Outcome>> {
  const path = join(directory, name);
  return await Promise.resolve(async (input: Buffer) => {
    await writeFile(path, input);
    let checkpoint: Checkpoint;
    let summary: Summary;
    try {
      checkpoint = await openCheckpoint(path);
      try {
        summary = await summarize(checkpoint);
      } finally {
        await checkpoint.close();
      }
    } catch (error) {
      if (error instanceof SemisupError) {
        return { accepted: false, code: (error as SemisupError).code };
      }
      throw error;
    }
    const expected = oracle && (await askPython<Summary | null>(oracle, path));
    return { accepted: true, mismatch: expected ? compare(summary, expected) : undefined };
  });
}

async function summarize({ stateDicts }: Checkpoint): Promise<Summary> {
  const summary: Summary = {};
  for (const { key, tensors } of stateDicts) {
    for (const [name, tensor] of tensors) {
      const full = key ? `${key}.${name}` : name;
      const elements = await elementsOf(tensor);
      if (!elements) continue;
      const sha256 = createHash('sha256').update(elements).digest('hex');
      summary[full] = [tensor.dtype, tensor.shape, sha256];
    }
  }
  return summary;
}

/** Reads a tensor, and returns its elements in row-major order, unless they are too many. */
async function elementsOf(tensor: StoredTensor): Promise<Buffer | undefined> {
  const { dtype, shape, stride } = tensor;
  const size = dtypeBytes[dtype];
  const bytes = await tensor.read();
  if (bytes.length !== span(shape, stride) * size)
    throw new Error('read() returned another length');
  const count = shape.reduce((product, side) => product * side, 1);
  if (count > maxElements) return undefined;
  const elements = Buffer.alloc(count * size);
  const index = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    const from = index.reduce((offset, at, d) => offset + at * stride[d]!, 0) * size;
    elements.set(bytes.subarray(from, from + size), i * size);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d]! += 1;
      if (index[d] !== shape[d]) break;
      index[d] = 0;
    }
  }
  return elements;
}

function compare(actual: Summary, expected: Summary): string | undefined {
  for (const [name, tensor] of Object.entries(actual)) {
    if (!Object.hasOwn(expected, name)) return `the reference has no tensor '${name}'`;
    if (JSON.stringify(tensor) !== JSON.stringify(expected[name])) {
      return `'${name}' is ${JSON.stringify(tensor)}, but ${JSON.stringify(expected[name])} in the reference`;
    }
  }
  return undefined;
}
