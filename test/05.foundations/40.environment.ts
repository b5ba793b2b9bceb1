import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../support/run-node';

/** Where a name is read in TypeScript, C++ and Python. */
const readers = [
  /process\.env\.([A-Z]\w*)/g,
  /\benvironment\('(\w+)'\)/g,
  /\bgetenv\("(\w+)"\)/g,
  /\benviron\.get\("(\w+)"/g,
];

/** Where several names are destructured. */
const destructured = /\{([^{}]*)\} = process\.env;/g;

function namesIn(text: string): string[] {
  const lists = [...text.matchAll(destructured)].flatMap(([, names]) => names!.split(','));
  const names = readers.flatMap((reader) => [...text.matchAll(reader)].map(([, name]) => name!));
  return [...lists.map((name) => name.trim()), ...names];
}

/** The names in the source files of a directory. */
async function namesUnder(directory: string): Promise<string[]> {
  const path = join(root, directory);
  const files = (await readdir(path, { recursive: true })).filter(
    (name) => /\.(ts|mjs|py|cc|h)$/.test(name) && !name.includes('node_modules'),
  );
  const texts = await Promise.all(files.map((name) => readFile(join(path, name), 'utf8')));
  return texts.flatMap(namesIn);
}

/** The names in the first column of the tables of docs/environment.md. */
async function documentedNames(): Promise<string[]> {
  const page = await readFile(join(root, 'docs', 'environment.md'), 'utf8');
  const cells = [...page.matchAll(/^\| (`[^|]*`) \|/gm)].map(([, cell]) => cell!);
  return cells.flatMap((cell) => cell.match(/\w+/g)!);
}

/** Variables that tests set for their own child processes. */
const ofTests = (name: string) =>
  /^(MODELS?|HOME|LD_PRELOAD|\w+_TEST_SETTING|FAKE_GPU_\w+)$/.test(name);

/** Read by node-gyp-build from the name of the package. */
const ofNodeGypBuild = ['SEMISUP_PREBUILD'];

describe('environment variables', () => {
  it('that are read are listed in docs/environment.md', async () => {
    const directories = ['src', 'binding', 'scripts', 'bench', 'test'];
    const names = (await Promise.all(directories.map(namesUnder))).flat();
    const documented = await documentedNames();
    const missing = names.filter((name) => !documented.includes(name) && !ofTests(name));
    assert.ok(names.includes('SEMISUP_LIBTORCH') && names.includes('XDG_CACHE_HOME'));
    assert.deepEqual([...new Set(missing)], []);
  });

  it("of semisup's own that are listed are read, each listed once", async () => {
    const directories = ['src', 'scripts', 'bench', 'test'];
    const names = (await Promise.all(directories.map(namesUnder))).flat();
    const own = (await documentedNames()).filter((name) => name.startsWith('SEMISUP_'));
    const expected = [
      ...names.filter((name) => name.startsWith('SEMISUP_') && !ofTests(name)),
      ...ofNodeGypBuild,
    ];
    assert.deepEqual(own.toSorted(), [...new Set(expected)].toSorted());
  });
});
