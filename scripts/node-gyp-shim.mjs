#!/usr/bin/env node
// Replaces node-gyp under prebuildify, which supports no other build tool, and rebuilds with CMake. Options
// for Node's version and headers are ignored, because Node-API does not depend on them.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv.find((argument) => argument.startsWith('--arch='))?.slice(7);
if (target !== undefined && target !== process.arch) {
  throw new Error(
    `Expected a machine with the target architecture ${target}, but this one is ${process.arch}. Build on the target platform.`,
  );
}
rmSync(join(here, '..', 'build'), { recursive: true, force: true });
process.argv.push('--native');
await import('./setup.mjs');
