import { devices, type Device } from '../../src/torch';

/** Returns the available GPUs. Skips the tests of the suite if there are none, and appends the reason to their titles. */
export function gpusOrSkip(): { readonly gpus: readonly Device[] } {
  const found = { gpus: [] as readonly Device[] };
  before(async function () {
    found.gpus = (await devices()).filter(({ name }) => name.startsWith('cuda'));
    if (found.gpus.length > 0) return;
    this.test!.parent!.eachTest((test) => {
      test.title += ' (skipped: no GPU is available, see `semisup doctor`)';
    });
    this.skip();
  });
  return found;
}

/** The largest absolute difference, relative to the largest expected absolute value. */
export function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = actual.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - expected[i]!)),
    0,
  );
  return actual.length === expected.length ? difference / largest : Infinity;
}
