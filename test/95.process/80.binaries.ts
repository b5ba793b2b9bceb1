import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const directory = join(root, 'build', 'Release');

/** Why the binaries cannot be checked here, or undefined. */
function reasonToSkip(): string | undefined {
  if (process.platform !== 'linux') return 'the rules are those of Linux';
  return spawnSync('readelf', ['--version']).error && 'readelf of binutils is not installed';
}

/**
 * The inline functions that the objects of the instruction sets define outside of their own namespaces, which the
 * linker would share with objects for other processors.
 */
function sharedFunctions(): string[] {
  const objects = join(root, 'build', 'CMakeFiles');
  const names = readdirSync(objects, { recursive: true, encoding: 'utf8' });
  const compiled = names.filter((name) => /^kernels_\w+\.dir.*\.cc\.o$/.test(name));
  assert.ok(compiled.length > 0);
  const paths = compiled.map((name) => join(objects, name));
  const symbols = execFileSync('nm', ['-C', ...paths], { encoding: 'utf8' }).split('\n');
  return symbols.filter(
    (line) => / [uW] /.test(line) && !/kernels::(avx2|avx512|neon)::/.test(line),
  );
}

const reason = reasonToSkip();
const title = 'the binaries for Linux';

(reason ? describe.skip : describe)(reason ? `${title} (skipped: ${reason})` : title, () => {
  const temporary = temporaryDirectory();
  let problemsOf: (path: string) => string[];

  before(async () => {
    const script = pathToFileURL(join(root, 'scripts', 'check-binaries.mjs')).href;
    ({ problemsOf } = (await import(script)) as { problemsOf: typeof problemsOf });
  });

  it('need no newer system libraries than LibTorch, and no other ones', () => {
    const names = readdirSync(directory).filter((name) => /\.(node|so)$/.test(name));
    assert.ok(names.includes('binding.node') && names.length >= 2);
    for (const name of names) assert.deepEqual(problemsOf(join(directory, name)), [], name);
  });

  it('have no function that is compiled for some processors and that others would run', () => {
    assert.deepEqual(sharedFunctions(), []);
  });

  it('are checked for symbols, libraries and search paths', function () {
    const library = join(temporary.path, 'library.so');
    const source =
      'extern "C" void* napi_create_external_buffer(); void* p = (void*)&napi_create_external_buffer;';
    const flags = ['-shared', '-fPIC', '-Wl,-rpath,/opt/lib', '-Wl,--no-as-needed', '-lresolv'];
    const { status } = spawnSync('g++', ['-x', 'c++', '-', '-o', library, ...flags], {
      input: source,
    });
    if (status !== 0) this.skip();
    assert.deepEqual(problemsOf(library), [
      'It needs libresolv.so.2.',
      'It has the RUNPATH /opt/lib.',
      'It calls napi_create_external_buffer().',
    ]);
  });
});
