#!/usr/bin/env node
// Stands in for node-gyp under prebuildify, which knows no other builder: builds anew with CMake. What
// it is told of Node's version and headers means nothing to Node-API; the machine must be the target's.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv.find((argument) => argument.startsWith('--arch='))?.slice(7);
if (target !== undefined && target !== process.arch) {
  throw new Error(
    `A prebuild for ${target} is made on ${target}, and this machine is ${process.arch}.`,
  );
}
rmSync(join(here, '..', 'build'), { recursive: true, force: true });
process.argv.push('--native');
await import('./setup.mjs');
