import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { installLibTorch, type InstallProgress } from '../../src/libtorch';
import { failure, namesIn } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import { writeFiles, writeWheel } from '../support/fake-libtorch';
import { file, status, TestServer } from '../support/http-server';
import { temporaryFolder } from '../support/temporary';

// Stands in for `python3 -m pip download`: notes its arguments, waits, and brings a file.
const fakePip = (bring: string) => `#!/bin/sh
printf '%s\\n' "$@" > "$NOTES"
while [ "$1" != --dest ]; do shift; done
${bring}
`;

describe('pip', () => {
  const server = new TestServer();
  const temporary = temporaryFolder();
  const at = (...path: string[]) => join(temporary.path, ...path);
  const installed = () => at('cache', 'semisup', 'libtorch', '2.13.0-cpu');

  temporaryEnvironment(() => ({
    XDG_CACHE_HOME: at('cache'),
    SEMISUP_LIBTORCH: undefined,
    SEMISUP_OFFLINE: undefined,
    SEMISUP_LIBTORCH_MIRROR: undefined,
    PATH: `${at('bin')}:${process.env.PATH}`,
    NOTES: at('notes'),
    WHEELS: at('wheels'),
  }));

  async function pipThat(bring: string): Promise<void> {
    await writeFiles(at('bin'), { python3: fakePip(bring) });
    await chmod(at('bin', 'python3'), 0o755);
  }

  async function wheelOfPip() {
    await mkdir(at('wheels'));
    return await writeWheel(at('wheels'));
  }

  it('brings a wheel that no host is known for', async () => {
    const wheel = await wheelOfPip();
    await pipThat('cp "$WHEELS"/*.whl "$2"');
    assert.equal((await installLibTorch({}, [wheel])).version, '2.13.0');
    assert.deepEqual(await namesIn(dirname(installed())), ['2.13.0-cpu']);
  });

  it('is asked for that very version, for the platform of the wheel', async () => {
    const wheel = await wheelOfPip();
    await pipThat('cp "$WHEELS"/*.whl "$2"');
    await installLibTorch({}, [wheel]);
    const asked = (await readFile(at('notes'), 'utf8')).replaceAll('\n', ' ');
    assert.match(asked, /^-m pip download .*--no-deps --only-binary=:all: /);
    assert.match(asked, /--python-version 3\.11 --implementation cp /);
    assert.match(asked, /--platform manylinux_2_28_x86_64 /);
    assert.match(asked, / torch===2\.13\.0\+cpu $/);
  });

  it('takes over where the host does not have the wheel', async () => {
    const wheel = await wheelOfPip();
    server.answer = status(404);
    await pipThat('cp "$WHEELS"/*.whl "$2"');
    await installLibTorch({}, [{ ...wheel, base: server.origin }]);
    assert.equal(server.requests.length, 1);
    assert(existsSync(installed()));
  });

  it('is not asked where the host has the wheel', async () => {
    const wheel = await wheelOfPip();
    server.answer = file(wheel.bytes);
    await pipThat('exit 1');
    await installLibTorch({}, [{ ...wheel, base: server.origin }]);
    assert(!existsSync(at('notes')));
  });

  it('takes over where the host cannot be reached', async () => {
    const wheel = await wheelOfPip();
    await pipThat('cp "$WHEELS"/*.whl "$2"');
    await installLibTorch({}, [{ ...wheel, base: 'http://127.0.0.1:9/' }]);
    assert(existsSync(installed()));
  });

  it('must bring the pinned file', async () => {
    const wheel = await wheelOfPip();
    await pipThat(`echo another > "$2/${wheel.file}"`);
    const error = await failure(installLibTorch({}, [wheel]), 'DOWNLOAD_HASH');
    assert.match(error.message, /Expected SHA-256 .* from pip/);
    assert.deepEqual(await namesIn(dirname(installed())), []);
  });

  it('is quoted where it fails', async () => {
    const wheel = await wheelOfPip();
    await pipThat('echo "ERROR: No matching distribution found" >&2; exit 1');
    const error = await failure(installLibTorch({}, [wheel]), 'LIBTORCH_INSTALL');
    assert.match(error.message, /torch===2\.13\.0\+cpu failed: ERROR: No matching distribution/);
    assert.deepEqual(await namesIn(dirname(installed())), []);
  });

  it('fails in words where it brings nothing', async () => {
    const wheel = await wheelOfPip();
    await pipThat('exit 0');
    const error = await failure(installLibTorch({}, [wheel]), 'LIBTORCH_INSTALL');
    assert.match(error.message, /pip did not download the file/);
  });

  it('is watched while it fetches', async () => {
    const wheel = await wheelOfPip();
    await pipThat('head -c 100 "$WHEELS"/*.whl > "$TMPDIR/x"; sleep 0.6; cp "$WHEELS"/*.whl "$2"');
    const events: InstallProgress[] = [];
    await installLibTorch({ onProgress: (event) => events.push(event) }, [wheel]);
    assert(events.some(({ phase, received }) => phase === 'fetch' && received === 100));
  });

  it('is ended by an abort', async () => {
    const wheel = await wheelOfPip();
    await pipThat('exec sleep 20');
    const abort = new AbortController();
    const started = performance.now();
    setTimeout(() => {
      abort.abort(new Error('enough'));
    }, 100);
    await assert.rejects(installLibTorch({ signal: abort.signal }, [wheel]), /enough/);
    assert(performance.now() - started < 10_000);
    assert.deepEqual(await namesIn(dirname(installed())), []);
  });
});
