import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  compareVersions,
  checkCLibrary,
  checkNotMusl,
  glibcVersion,
} from '../../src/binaries/system';
import { oldSystemLibrary } from '../../src/binaries/system-library';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const isLinux = process.platform === 'linux';
const onLinux = (title: string) => (isLinux ? title : `${title} (skipped: Linux only)`);
const itOnLinux = isLinux ? it : it.skip;

describe('the C library', () => {
  const directory = temporaryDirectory();

  itOnLinux(onLinux('is glibc, in the version that ldd reports'), () => {
    const version = /([\d.]+)$/m.exec(execFileSync('ldd', ['--version'], { encoding: 'utf8' }))![1];
    assert.equal(glibcVersion(), version);
    checkCLibrary();
  });

  it('is rejected if it is a glibc older than 2.28', () => {
    for (const version of ['2.17', '2.9', '2.27']) {
      assert.throws(
        () => {
          checkCLibrary(version);
        },
        {
          code: 'ERR_SEMISUP_PLATFORM',
          what: `LibTorch requires glibc 2.28 or newer, but this system has glibc ${version}.`,
        },
      );
    }
    for (const version of ['2.28', '2.36', '2.100']) checkCLibrary(version);
    assert.ok(compareVersions('2.9', '2.28') < 0);
  });

  it('is rejected if it is musl', () => {
    checkNotMusl('/lib64/ld-linux-x86-64.so.2');
    checkNotMusl(undefined);
    assert.throws(
      () => {
        checkNotMusl('/lib/ld-musl-x86_64.so.1');
      },
      { code: 'ERR_SEMISUP_PLATFORM', message: /glibc only.*uses musl.*node:22-bookworm-slim/ },
    );
  });

  /** Runs a program in a process that seems to be a Node for musl. */
  async function runOnMusl(program: string): Promise<string> {
    const node = join(directory.path, 'node');
    const head = Buffer.concat([Buffer.from('\x7fELF'), Buffer.alloc(600)]);
    await writeFile(node, Buffer.concat([head, Buffer.from('/lib/ld-musl-x86_64.so.1\0')]));
    // No variable names a server, so that a download would fail with another error.
    const env = {
      PATH: process.env.PATH,
      XDG_CACHE_HOME: directory.path,
      TORCH_HOME: directory.path,
    };
    const { stdout, stderr } = await runNode(
      `process.execPath = ${JSON.stringify(node)};
       const events = [];
       const report = (error) => console.log(JSON.stringify({ code: error.code, events }));
       (async () => { ${program} })().catch(report);`,
      [],
      env,
    );
    assert.equal(stderr, '');
    return stdout;
  }
  const rejected = `${JSON.stringify({ code: 'ERR_SEMISUP_PLATFORM', events: [] })}\n`;

  itOnLinux(onLinux('is checked before LibTorch is downloaded'), async () => {
    const program = `
      const { installLibTorch } = require('./src/libtorch/install');
      await installLibTorch({ onProgress: (event) => events.push(event) });`;
    assert.equal(await runOnMusl(program), rejected);
  });

  itOnLinux(
    onLinux('is checked before a checkpoint is downloaded, or LibTorch opened'),
    async () => {
      const program = `
      const { hub } = require('./src/hub');
      await hub.load('resnet18_swsl', { onProgress: (event) => events.push(event) });`;
      assert.equal(await runOnMusl(program), rejected);
      const load = `await require('./src/libtorch').loadAddon();`;
      assert.equal(await runOnMusl(load), rejected);
    },
  );
});

describe('a library of the system that is too old', () => {
  const directory = temporaryDirectory();

  it('is named, with the version that it provides', async () => {
    const library = join(directory.path, 'libstdc++.so.6');
    await writeFile(library, '\0GLIBCXX_3.4.9\0GLIBCXX_3.4.25\0CXXABI_1.3.11\0GLIBCXX_DEBUG\0');
    const message = `${library}: version \`GLIBCXX_3.4.26' not found (required by /cache/libtorch_cpu.so)`;
    const { problem, remedy } = oldSystemLibrary(message)!;
    assert.equal(
      problem,
      `the system's libstdc++.so.6 (${library}), which provides GLIBCXX_3.4.25, is too old: /cache/libtorch_cpu.so requires GLIBCXX_3.4.26`,
    );
    assert.match(remedy, /^Update the system .*node:22-bookworm-slim\. .*again does not help\.$/);
  });

  itOnLinux(onLinux('is named if it is glibc'), () => {
    const libc = '/lib/x86_64-linux-gnu/libc.so.6';
    const { problem } = oldSystemLibrary(
      `${libc}: version \`GLIBC_2.99' not found (required by /a/b.node)`,
    )!;
    assert.equal(
      problem,
      `the system's glibc (${libc}), which provides ${glibcVersion()}, is too old: /a/b.node requires 2.99`,
    );
  });

  it('is named without a version if it cannot be read', () => {
    const { problem } = oldSystemLibrary(
      "/nowhere/libx.so: version `CXXABI_1.3.15' not found (required by /a)",
    )!;
    assert.equal(
      problem,
      "the system's libx.so (/nowhere/libx.so) is too old: /a requires CXXABI_1.3.15",
    );
  });

  it('is not the reason of other failures', () => {
    assert.equal(oldSystemLibrary('libgomp.so.1: cannot open shared object file'), undefined);
  });
});
