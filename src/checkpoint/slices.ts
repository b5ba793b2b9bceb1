import { setImmediate } from 'node:timers/promises';

/** How long a computation may block the event loop at a time, in milliseconds. */
const maxSliceTime = 8;

/** Reading the time takes as long as a short step. */
const stepsPerCheck = 8;

/** A computation that yields often, at points where it can be interrupted, and returns its result. */
export type Sliced<Result> = Generator<void, Result, void>;

/** Runs a computation in slices of a few milliseconds, so that an untrusted file cannot block the event loop. */
export async function runInSlices<Result>(computation: Sliced<Result>): Promise<Result> {
  let start = performance.now();
  for (let steps = 0; ; steps++) {
    const { done, value } = computation.next();
    if (done) return value;
    if (steps % stepsPerCheck !== 0 || performance.now() - start < maxSliceTime) continue;
    await setImmediate();
    start = performance.now();
  }
}
