// Checks that the Linux binaries run wherever LibTorch does, and inside Electron: they need no newer glibc or
// libstdc++ than stated below, no other libraries, no search path of the build machine, and no external buffers.
//   node scripts/check-binaries.mjs [directory, build/Release by default]
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The newest version of each symbol namespace: those of Debian 10, RHEL 8 and Amazon Linux 2023 or older. */
export const floor = {
  GLIBC: '2.28',
  GLIBCXX: '3.4.25',
  CXXABI: '1.3.11',
  GCC: '7.0.0',
  GOMP: '4.5',
};

const allowedLibraries = [
  ...['ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1', 'libc.so.6', 'libm.so.6', 'libdl.so.2'],
  ...['libpthread.so.0', 'librt.so.1', 'libstdc++.so.6', 'libgcc_s.so.1', 'libgomp.so.1'],
  ...['libtorch_cpu.so', 'libc10.so', 'libtorch_cuda.so', 'libc10_cuda.so'],
];

/** Functions that Electron does not allow, because its V8 owns all memory. */
const forbiddenSymbols = ['napi_create_external_arraybuffer', 'napi_create_external_buffer'];

/** The problems of a binary, one sentence each. */
export function problemsOf(path) {
  const problems = [];
  const dynamic = readelf('--dynamic', path);
  for (const [, library] of dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
    if (!allowedLibraries.includes(library)) problems.push(`It needs ${library}.`);
  }
  for (const [, kind, value] of dynamic.matchAll(/\((RPATH|RUNPATH)\).*\[(.+)\]/g)) {
    problems.push(`It has the ${kind} ${value}.`);
  }
  const symbols = readelf('--dyn-syms', path).split('\n');
  for (const line of symbols.filter((text) => text.includes(' UND '))) {
    const [, name, version] = /UND (\S+?)(?:@(\S+))?(?: |$)/.exec(line) ?? [];
    if (forbiddenSymbols.includes(name)) problems.push(`It calls ${name}().`);
    const [, namespace, number] = /^([A-Z]+)_([\d.]+)$/.exec(version ?? '') ?? [];
    if (namespace in floor && compare(number, floor[namespace]) > 0) {
      problems.push(`${name} needs ${version}, newer than ${namespace}_${floor[namespace]}.`);
    }
  }
  return problems;
}

function readelf(option, path) {
  const { status, stdout, stderr, error } = spawnSync('readelf', ['--wide', option, path], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) throw new Error(`readelf could not be run: ${error.message}. Install binutils.`);
  if (status !== 0) throw new Error(`readelf failed for ${path}: ${stderr}`);
  return stdout;
}

function compare(one, other) {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = process.argv[2] ?? join(root, 'build', 'Release');
  const names = readdirSync(directory).filter((name) => /\.(node|so)$/.test(name));
  for (const name of names) {
    const problems = problemsOf(join(directory, name));
    console.log([`${name}: ${problems.length === 0 ? 'ok' : ''}`, ...problems].join('\n  '));
    if (problems.length > 0) process.exitCode = 1;
  }
}
