// The first lines of a table of results: how it was made, and on what.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import { findUsedLibTorchSync } from '../../lib/libtorch/index.js';

/** Prints the command, the machine and what else is told as comment lines of a CSV. */
export function printOrigin(...more) {
  const [script, ...args] = process.argv.slice(1);
  const libtorch = findUsedLibTorchSync();
  const GiB = Math.round(totalmem() / 2 ** 30);
  console.log(`# node bench/${[basename(script), ...args].join(' ')}`);
  console.log(
    `# ${availableParallelism()} cores of ${cpus()[0].model}, ${GiB} GiB; Node ${process.versions.node}, LibTorch ${libtorch.version} (${libtorch.variant}), ${process.platform}-${process.arch}`,
  );
  for (const line of more) console.log(`# ${line}`);
}

/** How many cores there are for this process, hyper-threads of one counted once where that is known. */
export function physicalCores() {
  const logical = availableParallelism();
  if (process.platform !== 'linux') return logical;
  const processors = readFileSync('/proc/cpuinfo', 'utf8').trim().split('\n\n');
  const cores = processors.map((text) => text.match(/^(physical id|core id)\s*: \d+$/gm)?.join());
  return cores.includes(undefined) ? logical : Math.min(logical, new Set(cores).size);
}

/** What all cores have worked since the machine started, in milliseconds. */
export function busyTime() {
  const times = cpus().map(({ times: { user, nice, sys } }) => user + nice + sys);
  return times.reduce((sum, time) => sum + time, 0);
}
