// Checks the package as a user gets it: packs it, installs the tarball with npm without running install scripts
// and without a compiler, and runs it from CommonJS, ES modules and the command line.
//   node scripts/package/check-installed.mjs
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createProject,
  findLibTorch,
  pack,
  pathWithoutCompilers,
  run,
  smoke,
  userEnvironment,
  withDirectory,
  writeInputs,
} from './installed.mjs';

await withDirectory(async (directory) => {
  const { file, size, unpackedSize, files } = pack(directory);
  console.log(
    `${files.length} files, ${megabytes(size)} packed, ${megabytes(unpackedSize)} unpacked`,
  );
  const [inputs, project] = [join(directory, 'inputs'), join(directory, 'project')];
  mkdirSync(inputs);
  writeInputs(inputs);
  createProject(project, file);
  const path = pathWithoutCompilers(join(directory, 'bin'));
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: project,
    env: userEnvironment(directory, { path }),
  });
  const libtorch = await findLibTorch();
  const semisup = ['npx', '--no-install', 'semisup'];
  smoke({ project, inputs, libtorch, path, node: ['node'], semisup });
  console.log('The installed package works.');
});

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
