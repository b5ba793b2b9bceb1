// The first lines of a table of results: how it was made, and on what.
import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import { versions } from '../../lib/index.js';

/** Prints the command and the machine as comment lines of a CSV. */
export function printOrigin() {
  const [script, ...args] = process.argv.slice(1);
  const GiB = Math.round(totalmem() / 2 ** 30);
  console.log(`# node bench/${[basename(script), ...args].join(' ')}`);
  console.log(
    `# ${availableParallelism()} cores of ${cpus()[0].model}, ${GiB} GiB; Node ${process.versions.node}, LibTorch ${versions.libtorch}, ${process.platform}-${process.arch}`,
  );
}
