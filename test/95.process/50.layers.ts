import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cycles,
  moduleOf,
  mutualImports,
  readCpp,
  readTypeScript,
  unassigned,
  upwardImports,
  type SourceFile,
  type SourceTree,
} from '../support/layers';
import { root } from '../support/run-node';

function checkLayers(read: () => Promise<SourceTree>): void {
  let tree: SourceTree;
  before(async () => {
    tree = await read();
  });

  it('assigns each directory and file to a layer', () => {
    assert.deepEqual(unassigned(tree), []);
  });

  it('imports only from lower layers, or from the same directory', () => {
    assert.deepEqual(upwardImports(tree), []);
  });

  it('has no directories that import each other', () => {
    assert.deepEqual(mutualImports(tree), []);
  });

  it('has no import cycle within a directory', () => {
    assert.deepEqual(cycles(tree), []);
  });
}

describe('the layer checks', () => {
  it('report every violation', () => {
    const imports = (path: string, ...targets: string[]) => ({
      ...{ path, imports: targets, written: targets },
    });
    const tree: SourceTree = {
      layers: [['low', 'gone'], ['high']],
      files: [
        imports('low/a.h', 'low/b.h', 'high/a.h'),
        imports('low/b.cc', 'low/b.h', 'low/a.h'),
        imports('low/b.h'),
        imports('high/a.h', 'low/b.h'),
        imports('new.cc'),
      ],
    };
    assert.deepEqual(unassigned(tree), ['new has no layer', 'gone does not exist']);
    assert.deepEqual(upwardImports(tree), ['low/a.h: high/a.h']);
    assert.deepEqual(mutualImports(tree), ['high low']);
    assert.deepEqual(cycles(tree), ['low/a -> low/b -> low/a']);
  });
});

describe('the layers of src/', () => {
  const layers = [
    [
      'types',
      'errors',
      'abort',
      'queue',
      'dispose',
      'buffers',
      'emit',
      'fingerprint',
      'conditions',
      'async-iteration',
    ],
    ['options', 'permission', 'trust', 'semaphore'],
    ['net', 'checkpoint', 'home'],
    ['binaries'],
    ['libtorch', 'native'],
    ['torch', 'versions'],
    ['compiled'],
    ['models', 'image', 'isolate', 'augment'],
    ['convert'],
    ['classify'],
    ['hub'],
    ['slot', 'dataset', 'explain'],
    ['evaluate', 'search', 'embeddings'],
    ['report', 'learning', 'pseudo-labels'],
    ['teach', 'train', 'selection-report'],
    ['selftrain'],
    ['cli', 'index'],
  ];
  checkLayers(async () => ({ files: await readTypeScript(join(root, 'src')), layers }));
});

describe('the layers of binding/', () => {
  const layers = [
    ['loader', 'kernels'],
    ['engine', 'threads'],
    ['program', 'runtime'],
    ['archive', 'tensor'],
    ['script', 'image'],
    ['compiled', 'search', 'plan', 'gpu', 'augment'],
    ['cuda', 'inference', 'train'],
    ['functions'],
    ['engine_functions', 'shared_functions', 'torch_functions'],
    ['addon'],
  ];
  checkLayers(async () => ({ files: await readCpp(join(root, 'binding')), layers }));
});

describe('dependencies', () => {
  it('on the native ABI exist only in src/native, src/torch and src/compiled', async () => {
    const files = await readTypeScript(join(root, 'src'));
    const inside = ['native', 'torch', 'compiled'];
    const outside = files.filter(({ path }) => !inside.includes(moduleOf(path)));
    const isImporter = ({ imports }: SourceFile) =>
      ['native/native.ts', 'torch/native.ts'].some((file) => imports.includes(file));
    assert.deepEqual(
      outside.filter(isImporter).map(({ path }) => path),
      [],
    );
    assert.ok(files.some(isImporter));
    const callers: string[] = [];
    for (const { path } of outside) {
      const text = await readFile(join(root, 'src', path), 'utf8');
      if (/\bexecutor\.native\b|\{ native\b.*\} = .*executor/.test(text)) callers.push(path);
    }
    assert.deepEqual(callers, []);
  });

  it('on N-API and LibTorch do not exist in binding/kernels and binding/engine', async () => {
    const files = await readCpp(join(root, 'binding'));
    const independent = files.filter(({ path }) => ['kernels', 'engine'].includes(moduleOf(path)));
    const forbidden = independent.flatMap(({ path, written }) =>
      written
        .filter((name) => /^(napi\.h$|node_api|ATen\/|c10\/|torch\/)/.test(name))
        .map((name) => `${path}: ${name}`),
    );
    assert.deepEqual(forbidden, []);
  });
});
