// Checks the package as a user gets it: packs it, installs the tarball with npm without running install scripts
// and without a compiler, and runs it from CommonJS, ES modules and the command line.
//   node scripts/package/check-installed.mjs
//   node scripts/package/check-installed.mjs --from-source     compiles the addon in the project instead: ten minutes
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  createProject,
  findLibTorch,
  pack,
  pathWithoutCompilers,
  root,
  run,
  smoke,
  userEnvironment,
  withDirectory,
  writeInputs,
} from './installed.mjs';

const { values } = parseArgs({ options: { 'from-source': { type: 'boolean', default: false } } });

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
  if (values['from-source']) compileInProject(directory, project, libtorch);
  const semisup = ['npx', '--no-install', 'semisup'];
  smoke({ project, inputs, libtorch, path, node: ['node'], semisup });
  console.log('The installed package works.');
});

/** Does what the error about a missing prebuilt addon says. */
function compileInProject(directory, project, libtorch) {
  rmSync(join(project, 'node_modules', 'semisup', 'prebuilds'), { recursive: true });
  const env = userEnvironment(directory, { path: process.env.PATH, libtorch });
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const tools = ['cmake-js', 'node-addon-api'].map((name) => `${name}@${devDependencies[name]}`);
  const options = ['--ignore-scripts', '--no-audit', '--no-fund'];
  run('npm', ['install', '--save-dev', ...options, ...tools], { cwd: project, env });
  const script = join('node_modules', 'semisup', 'scripts', 'setup.mjs');
  run('node', [script, '--native'], { cwd: project, env });
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
