import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memory } from '../../src/native';

setFlagsFromString('--expose-gc');

/** Collects garbage at once, without the flag `--expose-gc`. */
export const collectGarbage = runInNewContext('gc') as () => void;

/** Waits until the modules that earlier tests left to the garbage collector are freed. */
export async function freeUnreferencedModules(): Promise<void> {
  // Finalizers close modules on other threads, so this takes several iterations of the event loop.
  for (let i = 0; i < 100 && memory().modules.count > 0; i++) {
    collectGarbage();
    await setTimeout(10);
  }
}
