// Runs the packed package for Linux arm64 on Linux x64, emulated by QEMU, and compares its results with those of this
// machine. Requires root or user namespaces, Debian's qemu-user-static and g++-aarch64-linux-gnu, and
// `npm run prebuild -- --arch arm64`.
//   node scripts/package/check-arm64.mjs
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { provideLibTorch } from '../build-addon.mjs';
import { emulateArm64 } from '../emulation/emulator.mjs';
import { createProject, pack, run, smoke, withDirectory, writeInputs } from './installed.mjs';

await withDirectory(async (directory) => {
  const [inputs, project] = ['inputs', 'project'].map((name) => join(directory, name));
  mkdirSync(inputs);
  writeInputs(inputs);
  createProject(project, pack(directory).file);
  const target = ['--os', 'linux', '--cpu', 'arm64', '--libc', 'glibc'];
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...target], {
    cwd: project,
  });
  const { node, env } = await emulateArm64();
  const [program, ...args] = node;
  const version = [...args, '--print', 'process.arch + process.version'];
  console.log(run(program, version, { env: { ...process.env, ...env } }).stdout);
  const { dir: libtorch } = await provideLibTorch('linux-arm64');
  const semisup = [...node, join('node_modules', 'semisup', 'lib', 'cli', 'index.js')];
  const path = env.PATH;
  // Tuning would take many forward passes, and QEMU is about a hundred times slower.
  smoke({ project, inputs, libtorch, path, node, semisup, plan: 'untuned', env });
  console.log('The package works there.');
});
