import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../../src/net/download';
import { Child } from '../support/child';
import { failure, fastRetries, namesIn } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import { file, sha256, someBytes, TestServer } from '../support/http-server';
import { temporaryDirectory } from '../support/temporary';

describe('download to disk', () => {
  temporaryEnvironment();
  const directory = temporaryDirectory();
  const server = new TestServer();
  const bytes = someBytes(3 * 2 ** 20);
  const target = () => join(directory.path, 'weights.pth');
  const fetch = (path = target()) =>
    download(server.origin, path, { sha256: sha256(bytes), retryPolicy: fastRetries });

  it('reports the directory and its free bytes if the disk is full', async function () {
    const disk = join(directory.path, 'disk');
    await mkdir(disk);
    const small = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk];
    if (process.platform !== 'linux' || spawnSync('mount', small).status !== 0) {
      this.test!.title += ' (skipped: only root on Linux can mount a small disk)';
      this.skip();
    }
    try {
      const path = join(disk, 'weights.pth');
      await writeFile(path, 'before');
      // Without a length, from which it would be known in advance.
      server.handler = (_, response) => {
        response.writeHead(200, { etag: '"1"' }).end(bytes);
      };
      const error = await failure(fetch(path), 'DOWNLOAD_DISK');
      assert.match(error.message, /weights\.pth\.part could not be written: ENOSPC/);
      assert.match(error.message, new RegExp(`${disk} has \\d+ bytes free`));
      assert.equal(server.requests.length, 1);
      assert.equal(await readFile(path, 'utf8'), 'before');
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  it('rejects a partial file that is a FIFO, which would never end', async function () {
    if (spawnSync('mkfifo', [`${target()}.part`]).status !== 0) {
      this.test!.title += ' (skipped: mkfifo is missing)';
      this.skip();
    }
    server.handler = file(bytes);
    await failure(fetch(), 'DOWNLOAD_DISK');
  });

  it('does not write through a link that has the name of the partial file', async () => {
    const other = join(directory.path, 'other');
    await writeFile(other, 'before');
    await symlink(other, `${target()}.part`);
    server.handler = file(bytes);
    await failure(fetch(), 'DOWNLOAD_DISK');
    assert.equal(await readFile(other, 'utf8'), 'before');
  });

  it('keeps and continues the partial file that a size limit cut off (not on Windows: needs ulimit)', async function () {
    if (process.platform === 'win32') this.skip();
    await writeFile(target(), 'before');
    server.handler = file(bytes);
    // The unit of ulimit is 512 or 1024 bytes, depending on the shell.
    const child = new Child('download.ts', [server.origin, target(), sha256(bytes)], {
      limit: 'ulimit -f 2048',
    });
    assert.match(await child.ends(), /ERR_SEMISUP_DOWNLOAD_DISK .*EFBIG/);
    assert.equal(await readFile(target(), 'utf8'), 'before');
    const keptBytes = (await readFile(`${target()}.part`)).length;
    assert(keptBytes === 2 ** 20 || keptBytes === 2 ** 21);

    await fetch();
    assert.equal(server.sent('range').at(-1), `bytes=${keptBytes}-`);
    assert.deepEqual(await readFile(target()), bytes);
    assert.deepEqual(await namesIn(directory.path), ['weights.pth']);
  });

  it('rejects a content length that exceeds the free space without writing a byte', async () => {
    server.handler = (_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 52 }).write(bytes);
    };
    const error = await failure(fetch(), 'DOWNLOAD_DISK');
    assert.match(error.message, /requires 4503599627370496 more bytes, but .* has \d+ bytes free/);
    assert.deepEqual(await namesIn(directory.path), []);
  });

  it('rejects a target directory that is a file', async () => {
    await writeFile(target(), 'a file');
    const error = await failure(fetch(join(target(), 'weights.pth')), 'DOWNLOAD_DISK');
    assert.match(error.message, /could not be written: (ENOTDIR|EEXIST)/);
    assert.equal(server.requests.length, 0);
  });

  it('rejects a target file that is a directory and keeps the partial file', async () => {
    server.handler = file(bytes);
    await mkdir(join(target(), 'something'), { recursive: true });
    await failure(fetch(), 'DOWNLOAD_DISK');
    assert.deepEqual(await readFile(`${target()}.part`), bytes);
  });
});
