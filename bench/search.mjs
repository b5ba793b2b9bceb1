// Measures exact searches: one query, and many at once, against NumPy and the bandwidth of memory.
//   npx tsc -p tsconfig.build.json && SEMISUP_BENCH_PYTHON=python3 node bench/search.mjs > bench/results/search.csv
// Options: --rounds 7, --threads, --dimensions 2048, --vectors 500000 (of float32; twice as many of bfloat16).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { python } from './support/python.mjs';
import { quantile } from './support/statistics.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(physicalCores()) },
    dimensions: { type: 'string', default: '2048' },
    vectors: { type: 'string', default: '500000' },
  },
});
const [rounds, dimensions, vectors] = [values.rounds, values.dimensions, values.vectors].map(
  Number,
);
const { threads } = values;
const support = join(dirname(fileURLToPath(import.meta.url)), 'support');
const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
const bytes = vectors * dimensions * 4;

/** The commands of a comparison, by name. At most two of them have vectors in memory at a time. */
function commands(queries, precision, count) {
  const script = join(support, 'search-semisup.mjs');
  const semisup = [script, count, dimensions, precision, threads, queries].map(String);
  const numpy = ['search_numpy.py', count, dimensions, queries].map(String);
  return {
    // 1 GiB exceeds every cache.
    ...(queries === 1 && { 'read-memory': [readBandwidth(), String(2 ** 30), threads] }),
    ...(precision === 'float32' && {
      numpy: [python, join(support, numpy[0]), ...numpy.slice(1)],
    }),
    [`semisup-${precision}`]: [process.execPath, ...semisup],
  };
}

/** Compiles the program that reads memory. */
function readBandwidth() {
  const program = join(folder, 'read-bandwidth');
  const options = ['-std=c++20', '-O3', '-march=native', '-pthread'];
  execFileSync('c++', [...options, join(support, 'read_bandwidth.cc'), '-o', program]);
  return program;
}

/** Prints the rows of a comparison. */
async function measure(queries, precision, count) {
  const contenders = await startAll(commands(queries, precision, count));
  const measured = await interleave(contenders, rounds, async ({ request }) => {
    return (await request({})).milliseconds;
  });
  await Promise.all(contenders.map((contender) => contender.close()));
  // The limit, in milliseconds of as many bytes as a search reads.
  const limit = measured
    .get('read-memory')
    ?.map((times) => times.map((milliseconds) => (milliseconds * bytes) / 2 ** 30));
  for (const { name } of contenders) {
    const own = name === 'read-memory' ? limit : measured.get(name);
    const { value, ratios } = compare(own, measured.get('numpy'));
    const fraction = limit ? compare(own, limit).ratios : [];
    const all = own.flat();
    const row = [
      ...[name, count, queries, value.toFixed(1)],
      ...[quantile(all, 0.1), quantile(all, 0.9)].map((ms) => ms.toFixed(1)),
      (bytes / value / 1e6).toFixed(1),
      ...ratioColumns(fraction),
      ...ratioColumns(ratios),
    ];
    console.log(row.join(','));
  }
}

const numpy = python
  ? execFileSync(python, ['-c', 'import numpy; print("NumPy", numpy.__version__)'], {
      encoding: 'utf8',
    }).trim()
  : 'no Python';
printHeader(`${numpy}; ${dimensions} dimensions, ${threads} threads; milliseconds of one call`);
console.log(
  'contender,vectors,queries,median ms,p10 ms,p90 ms,GB/s,fraction of limit,lowest fraction,highest fraction,ratio to numpy,lowest ratio,highest ratio',
);
await measure(1, 'float32', vectors);
await measure(1, 'bfloat16', 2 * vectors);
await measure(32, 'float32', vectors);
rmSync(folder, { recursive: true });
