#!/usr/bin/env node
// Replaces node-gyp under prebuildify, which supports no other build tool: compiles with CMake into the
// directory `build` of the working directory. Options for Node's version and headers are ignored, because
// Node-API does not depend on them.
import { join } from 'node:path';
import { compileAddon } from '../build-addon.mjs';
import { toolchainOf } from './toolchain.mjs';

try {
  const arch = process.argv.find((argument) => argument.startsWith('--arch='));
  compileAddon({
    libtorch: process.env.SEMISUP_LIBTORCH,
    out: join(process.cwd(), 'build'),
    toolchain: toolchainOf(arch?.slice('--arch='.length) ?? process.arch),
  });
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}
