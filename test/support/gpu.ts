import { devices, type Device } from '../../src/torch';

/** Skips the tests of a suite where no GPU can be used, and says so in their titles; gives the GPUs otherwise. */
export function onGpu(): { readonly gpus: readonly Device[] } {
  const found = { gpus: [] as readonly Device[] };
  before(async function () {
    found.gpus = (await devices()).filter(({ name }) => name.startsWith('cuda'));
    if (found.gpus.length > 0) return;
    this.test!.parent!.eachTest((test) => {
      test.title += ' (skipped: no GPU can be used, see `semisup doctor`)';
    });
    this.skip();
  });
  return found;
}

/** How far numbers are apart at most, as a part of the largest. */
export function apart(given: Float32Array, expected: Float32Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = given.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - expected[i]!)),
    0,
  );
  return given.length === expected.length ? difference / largest : Infinity;
}
