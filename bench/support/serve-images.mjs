// The child-process side of a contender of end-to-end.mjs: measures time and memory from JPEGs to classes.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './serve.mjs';

/**
 * Ready after the first prediction.
 *
 * @param folder the JPEGs
 * @param open loads a model; resolves to a function from an array of encoded files to the `{ index, score }`
 *   of each file's most probable class
 */
export async function serveImages(folder, open) {
  const names = readdirSync(folder).sort();
  const read = (name) => readFileSync(join(folder, name));
  const loaded = [];
  await serve(async () => {
    const MiB = await load();
    const [classify] = loaded;
    const images = names.map(read);
    const measures = { all, each, delay, another };
    return { ready: { MiB }, handle: ({ measure }) => measures[measure]() };

    /** Loads and keeps a model and runs it once. Returns the growth of the process in MiB. */
    async function load() {
      const before = process.memoryUsage.rss();
      const classify = await open();
      await classify([read(names[0])]);
      loaded.push(classify);
      return (process.memoryUsage.rss() - before) / 2 ** 20;
    }

    async function all() {
      const began = performance.now();
      const predictions = await classify(images);
      return { values: [performance.now() - began], predictions };
    }

    async function each() {
      const values = [];
      // The first run wakes threads and fills caches.
      await classify([images[0]]);
      for (const image of images) {
        const began = performance.now();
        await classify([image]);
        values.push(performance.now() - began);
      }
      return { values };
    }

    /** The longest event-loop delay under continuous load. */
    async function delay() {
      const monitor = monitorEventLoopDelay({ resolution: 1 });
      monitor.enable();
      // The monitor misses what blocks before its first tick.
      await sleep(30);
      monitor.reset();
      await classify(images);
      await sleep(5);
      monitor.disable();
      return { values: [monitor.max / 1e6] };
    }

    async function another() {
      return { values: [await load()] };
    }
  });
}
