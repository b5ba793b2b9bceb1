import assert from 'node:assert/strict';
import { cp, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const platform = `${process.platform}-${process.arch}`;
const prebuild = join('prebuilds', platform);
const suffix = process.platform === 'win32' ? 'dll' : 'so';
const engine = `engine.${suffix}`;
const addon = `torch-2.13.${suffix}`;
const compile = "Delete lib/ and run 'npm run build:ts'.";

type Problems = (root: string, options: { isPublished: boolean }) => string[];
type WriteManifest = (root: string, directory: string, libtorch: object[]) => void;

async function importScript(...path: string[]): Promise<unknown> {
  return await import(pathToFileURL(join(root, 'scripts', ...path)).href);
}

describe('packing the package', () => {
  const package_ = temporaryDirectory();
  let problemsOf: Problems;
  let writeManifest: WriteManifest;

  const write = async (file: string, text = '') => {
    const path = join(package_.path, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  const problems = (isPublished = false) => problemsOf(package_.path, { isPublished });
  const updateManifest = (directory = prebuild) => {
    writeManifest(package_.path, join(package_.path, directory), []);
  };

  before(async () => {
    const guard = await importScript('package', 'guard.mjs');
    const manifest = await importScript('prebuild', 'manifest.mjs');
    problemsOf = (guard as { packageProblems: Problems }).packageProblems;
    writeManifest = (manifest as { writeManifest: WriteManifest }).writeManifest;
  });

  // A package without problems. The compiled files are copies of a system-independent kind: only those of Linux
  // are inspected.
  beforeEach(async () => {
    await write('package.json', JSON.stringify({ version: '1.2.3' }));
    await write('CHANGELOG.md', '# Changelog\n\n## 1.2.3\n');
    await write('CMakeLists.txt');
    await write('binding/addon.cc', 'int answer = 42;\n');
    await write('src/hub/hub.ts');
    await write('lib/hub/hub.js');
    await write('lib/hub/hub.d.ts');
    await write('prebuilds/README.md', `| \`${platform}\` | yes | no | yes | yes |\n`);
    await mkdir(join(package_.path, prebuild));
    const release = join(root, 'build', 'Release');
    await cp(join(release, 'binding.node'), join(package_.path, prebuild, 'binding.glibc.node'));
    for (const name of [engine, addon]) {
      await cp(join(release, 'binding.node'), join(package_.path, prebuild, name));
    }
    updateManifest();
  });

  it('is permitted if everything is up to date', () => {
    assert.deepEqual(problems(), []);
    assert.deepEqual(problems(true), []);
  });

  it('is refused if lib/ is missing', async () => {
    await rm(join(package_.path, 'lib'), { recursive: true });
    assert.deepEqual(problems(), [`lib/ is missing. ${compile}`]);
  });

  it('is refused if lib/ lacks a file, or has one without a source', async () => {
    await write('src/extra.ts');
    assert.deepEqual(problems(), [`lib/extra.js is missing. ${compile}`]);
    await rm(join(package_.path, 'src', 'extra.ts'));
    await write('lib/extra.js');
    assert.deepEqual(problems(), [`lib/extra.js has no source in src/. ${compile}`]);
  });

  it('is refused if lib/ is older than src/', async () => {
    const later = Date.now() / 1000 + 60;
    await utimes(join(package_.path, 'src', 'hub', 'hub.ts'), later, later);
    assert.deepEqual(problems(), [`lib/hub/hub.js is older than src/hub/hub.ts. ${compile}`]);
  });

  it('is refused without a prebuild for this platform', async () => {
    await rm(join(package_.path, prebuild), { recursive: true });
    assert.deepEqual(problems(), [`prebuilds/${platform} is missing. Run 'npm run prebuild'.`]);
  });

  it('is refused if a prebuild was not compiled from the current sources', async () => {
    await write('binding/addon.cc', 'int answer = 42;\r\n');
    assert.deepEqual(problems(), [], 'line endings do not matter');
    await write('binding/addon.cc', 'int answer = 43;\n');
    assert.match(problems().join(), /not compiled from the current binding\/ and CMakeLists.txt/);
  });

  it('is refused if a prebuild is incomplete or modified', async () => {
    await write(join(prebuild, 'torch-2.11.so'));
    await rm(join(package_.path, prebuild, addon));
    await write(join(prebuild, 'binding.glibc.node'), 'modified');
    const text = problems().join();
    assert.ok(text.includes(`${addon} is missing.`), text);
    assert.match(text, /torch-2\.11\.so is not in manifest\.json\./);
    assert.match(text, /binding\.glibc\.node is not the file described in manifest\.json\./);
  });

  it('is refused if a binary does not run on older systems', async function () {
    if (process.platform !== 'linux') {
      this.test!.title += ' (skipped: only the binaries for Linux are inspected)';
      this.skip();
    }
    await write(join(prebuild, addon), 'not a library');
    updateManifest();
    assert.match(problems().join(), /readelf failed for .*torch-2\.13\.so/);
  });

  it('for a release requires every released platform, and CUDA where it is declared', async () => {
    const rows = [
      `| \`${platform}\` | yes | yes |`,
      '| `sunos-x64` | yes | no |',
      '| `aix-ppc64` | no | no |',
    ];
    await write('prebuilds/README.md', rows.join('\n'));
    assert.deepEqual(problems(), []);
    const [current, other, ...more] = problems(true);
    assert.match(current!, /No file matches \^cuda-/);
    assert.equal(
      other,
      "prebuilds/sunos-x64 is missing. Run 'npm run prebuild' on sunos-x64 and copy its prebuilds/sunos-x64 here.",
    );
    assert.deepEqual(more, []);
  });

  it('for a release requires a heading of the version in the changelog', async () => {
    await write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n## 1.2.30\n');
    assert.deepEqual(problems(), []);
    assert.deepEqual(problems(true), [
      "CHANGELOG.md has no heading for version 1.2.3. Rename '## Unreleased' to '## 1.2.3'.",
    ]);
  });
});
