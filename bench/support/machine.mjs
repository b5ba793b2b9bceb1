// What a result records about the machine.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import { findUsedLibTorchSync } from '../../lib/libtorch/index.js';

/** Environment variables that limit the instructions in use. */
const limitingVariables = ['SEMISUP_CPU', 'ONEDNN_MAX_CPU_ISA'];

/** Prints the comment lines of a CSV: the command, the machine and any further `lines`. */
export function printHeader(...lines) {
  const [script, ...args] = process.argv.slice(1);
  const libtorch = findUsedLibTorchSync();
  const GiB = Math.round(totalmem() / 2 ** 30);
  const limits = limitingVariables
    .filter((name) => process.env[name])
    .map((name) => `${name}=${process.env[name]}`);
  console.log(`# ${[...limits, 'node', `bench/${basename(script)}`, ...args].join(' ')}`);
  console.log(
    `# ${availableParallelism()} cores of ${cpus()[0].model}, ${GiB} GiB; Node ${process.versions.node}, LibTorch ${libtorch.version} (${libtorch.variant}), ${process.platform}-${process.arch}`,
  );
  for (const line of lines) console.log(`# ${line}`);
}

/** The number of cores available to this process; counts each physical core once where that is known. */
export function physicalCores() {
  const logical = availableParallelism();
  if (process.platform !== 'linux') return logical;
  const processors = readFileSync('/proc/cpuinfo', 'utf8').trim().split('\n\n');
  const cores = processors.map((text) => text.match(/^(physical id|core id)\s*: \d+$/gm)?.join());
  return cores.includes(undefined) ? logical : Math.min(logical, new Set(cores).size);
}

/** The total busy time of all cores since the machine started, in milliseconds. */
export function busyTime() {
  const times = cpus().map(({ times: { user, nice, sys } }) => user + nice + sys);
  return times.reduce((sum, time) => sum + time, 0);
}
