// Runs the packed package on the oldest Debian of the mirror (Debian 11: glibc 2.31, libstdc++ of GCC 10), in a root
// directory made with debootstrap, on the oldest supported Node. Requires root and debootstrap on Debian.
//   sudo node scripts/package/check-old-system.mjs [--suite bullseye] [--mirror URL] [--node 20]
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  createProject,
  findLibTorch,
  installNode,
  pack,
  run,
  smoke,
  withDirectory,
  writeInputs,
} from './installed.mjs';

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: 'bullseye' },
    mirror: { type: 'string', default: '' },
    node: { type: 'string', default: '20' },
  },
});

await withDirectory(async (directory) => {
  const system = join(directory, 'system');
  const options = ['--variant=minbase', '--include=libstdc++6'];
  run('debootstrap', [...options, values.suite, system, ...[values.mirror].filter(Boolean)]);
  const [inputs, project] = ['inputs', 'project'].map((name) => join(system, name));
  mkdirSync(inputs);
  writeInputs(inputs);
  createProject(project, pack(directory).file);
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: project });
  cpSync(installNode(join(directory, 'tools'), values.node), join(system, 'usr', 'bin', 'node'));
  cpSync(await findLibTorch(), join(system, 'libtorch'), { recursive: true });
  // The mount of /proc, from which LibTorch reads the processor's features, ends with the namespace.
  const enter = 'mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"';
  const inside = (command) => [
    ...['unshare', '--mount', 'sh', '-c', enter, 'sh', system],
    ...['sh', '-c', 'cd /project && exec "$@"', 'sh', ...command],
  ];
  const call = (command) => {
    const [program, ...args] = inside(command);
    return run(program, args).stdout.trim();
  };
  console.log(call(['cat', '/etc/debian_version']), call(['ldd', '--version']).split('\n')[0]);
  console.log(call(['sh', '-c', 'ls /usr/lib/*/libstdc++.so.6.*']), call(['node', '--version']));
  smoke({
    ...{ project, inputs: '/inputs', libtorch: '/libtorch', path: process.env.PATH },
    node: inside(['node']),
    semisup: inside(['node', 'node_modules/semisup/lib/cli/index.js']),
  });
  console.log('The package works there.');
});
