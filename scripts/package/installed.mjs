// Packs the package and installs the tarball in an empty project, as users do, with each package manager.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const isWindows = process.platform === 'win32';

export const root = dirname(dirname(here));

/** A temporary directory that `use` may write to. */
export async function withDirectory(use) {
  const directory = mkdtempSync(join(tmpdir(), 'semisup-package-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Packs the package, after its guard has checked it. Returns the tarball's path, size and files. */
export function pack(directory) {
  const { stdout } = run('npm', ['pack', '--json', '--pack-destination', directory], {
    cwd: root,
  });
  const [{ filename, size, unpackedSize, files }] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  return { file: join(directory, filename), size, unpackedSize, files };
}

/** Writes what smoke.mjs reads. */
export function writeInputs(directory) {
  const script = join(root, 'test', 'support', 'smoke-inputs.ts');
  run(process.execPath, ['--require', 'tsx', script, directory], { cwd: root });
}

/** LibTorch as this checkout finds it. */
export async function findLibTorch() {
  return (await require(join(root, 'lib', 'libtorch')).findUsedLibTorch()).dir;
}

/** Installs npm packages, such as another version of Node or of a package manager. Returns their node_modules. */
export function installTools(directory, packages) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], {
    cwd: directory,
  });
  return join(directory, 'node_modules');
}

/** The executable of `node-<platform>-<arch>@<version>` of the npm registry. */
export function installNode(directory, version) {
  const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;
  const modules = installTools(directory, [`${name}@${version}`]);
  return join(modules, name, 'bin', isWindows ? 'node.exe' : 'node');
}

/**
 * A PATH without compilers: this Node, npm and what their shell scripts use. On Windows, where links need
 * privileges, the PATH as it is.
 */
export function pathWithoutCompilers(directory, node = process.execPath) {
  if (isWindows) return [dirname(node), process.env.PATH].join(delimiter);
  mkdirSync(directory, { recursive: true });
  const programs = [
    'sh',
    'env',
    'sed',
    'dirname',
    'basename',
    'uname',
    'readlink',
    'cat',
    'npm',
    'npx',
  ];
  for (const program of programs) {
    const file = process.env.PATH.split(delimiter)
      .map((each) => join(each, program))
      .find(existsSync);
    if (file) symlinkSync(file, join(directory, program));
  }
  symlinkSync(node, join(directory, 'node'));
  return directory;
}

/** Creates a project that depends on the tarball. */
export function createProject(directory, tarball) {
  mkdirSync(directory, { recursive: true });
  const dependencies = { semisup: `file:${tarball}` };
  const text = JSON.stringify({ name: 'project', private: true, dependencies });
  writeFileSync(join(directory, 'package.json'), text);
  copyFileSync(join(here, 'smoke.mjs'), join(directory, 'smoke.mjs'));
}

/** The environment of a user with empty caches, and without LibTorch unless its directory is given. */
export function userEnvironment(directory, { path, libtorch, ...more }) {
  const env = { ...process.env, PATH: path, XDG_CACHE_HOME: join(directory, 'cache'), ...more };
  for (const name of ['SEMISUP_LIBTORCH', 'LIBTORCH', 'LIBTORCH_USE_PYTORCH', 'PREBUILDS_ONLY']) {
    delete env[name];
  }
  if (libtorch) env.SEMISUP_LIBTORCH = libtorch;
  return env;
}

/**
 * Runs everything that a new user runs, and throws at the first failure.
 *
 * @param node a command that runs smoke.mjs, e.g. `['node']` or `['yarn', 'node']`
 * @param plan the option `plan` of `hub.load`, to save the time of tuning
 * @param semisup a command that runs the CLI, e.g. `['npx', 'semisup']`
 */
export function smoke({ project, inputs, libtorch, path, node, semisup, plan, env: more }) {
  const cwd = project;
  const [withLibTorch, without] = [{ libtorch }, {}].map((options) =>
    userEnvironment(project, { path, ...options, ...more }),
  );
  const call = ([command, ...first], args, env, status) =>
    run(command, [...first, ...args], { cwd, env, status });
  const { version } = require(join(root, 'package.json'));
  expect(call(semisup, ['--version'], without).stdout, version);
  expect(call(semisup, ['list'], without).stdout, 'resnet50_swsl');
  expect(call(semisup, ['doctor'], without, 1).stdout, 'npx semisup libtorch install');
  expect(call(semisup, ['doctor'], withLibTorch).stdout, 'loads LibTorch and computes');
  expect(call(node, ['smoke.mjs', 'without-libtorch'], without).stdout, 'ok: semisup');
  const compute = ['smoke.mjs', inputs, plan].filter(Boolean);
  expect(call(node, compute, withLibTorch).stdout, 'ok: semisup');
}

/** Runs a command. Throws with its output unless it exits with `status`. */
export function run(command, args, { cwd, env = process.env, status: expected = 0 } = {}) {
  // npm, npx and others are .cmd files on Windows, which only a shell runs.
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...{ cwd, env, encoding: 'utf8', maxBuffer: 2 ** 26 },
    shell: isWindows && !command.endsWith('.exe'),
  });
  if (error) throw new Error(`${command} could not be run: ${error.message}.`);
  if (status !== expected) {
    const output = `${stdout}${stderr}`.trim();
    throw new Error(`${command} ${args.join(' ')} exited with ${status} in ${cwd}:\n${output}`);
  }
  return { stdout, stderr };
}

function expect(text, part) {
  if (!text.includes(part))
    throw new Error(`Expected '${part}' in the output, but received:\n${text}`);
}
