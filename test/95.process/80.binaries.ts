import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
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
