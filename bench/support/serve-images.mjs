// What a contender of end-to-end.mjs answers: how long it took from JPEGs to classes, and what it took.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './serve.mjs';

/**
 * Ready after the first answer.
 *
 * @param folder of JPEGs
 * @param open loads a model: what turns an array of files' bytes into their likeliest class's `{ index, score }`
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
    return { ready: { MiB }, answer: ({ measure }) => measures[measure]() };

    /** Loads a model, to be kept, and runs it once: how many MiB the process has grown by. */
    async function load() {
      const before = process.memoryUsage.rss();
      const classify = await open();
      await classify([read(names[0])]);
      loaded.push(classify);
      return (process.memoryUsage.rss() - before) / 2 ** 20;
    }

    async function all() {
      const began = performance.now();
      const answers = await classify(images);
      return { values: [performance.now() - began], answers };
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

    /** The longest delay of the event loop while there is always work. */
    async function delay() {
      const monitor = monitorEventLoopDelay({ resolution: 1 });
      monitor.enable();
      // What blocks before the monitor's first tick would not be seen.
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
