import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../../src/net/download';
import { Child } from '../support/child';
import { failure, hurried, namesIn } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import { file, sha256, someBytes, TestServer } from '../support/http-server';
import { temporaryFolder } from '../support/temporary';

describe('Disk', () => {
  temporaryEnvironment();
  const folder = temporaryFolder();
  const server = new TestServer();
  const bytes = someBytes(3 * 2 ** 20);
  const target = () => join(folder.path, 'weights.pth');
  const fetch = (path = target()) =>
    download(server.origin, path, { sha256: sha256(bytes), retryPolicy: hurried });

  it('that is full is an error with the folder and its free bytes', async function () {
    if (process.platform !== 'linux') this.skip(); // the only one with a /dev/full
    await writeFile(target(), 'before');
    await symlink('/dev/full', `${target()}.part`);
    server.answer = file(bytes);
    const error = await failure(fetch(), 'DOWNLOAD_DISK');
    assert.match(error.message, /weights\.pth\.part could not be written: ENOSPC/);
    assert.match(error.message, new RegExp(`${folder.path} has \\d+ bytes free`));
    assert.equal(server.requests.length, 1);
    assert.equal(await readFile(target(), 'utf8'), 'before');
  });

  it('where a quota ends the file keeps what fits, which is continued', async function () {
    if (process.platform === 'win32') this.skip(); // no ulimit
    await writeFile(target(), 'before');
    server.answer = file(bytes);
    // In units of 512 or, in some shells, 1024 bytes.
    const child = new Child('download.ts', [server.origin, target(), sha256(bytes)], {
      limit: 'ulimit -f 2048',
    });
    assert.match(await child.ends(), /ERR_SEMISUP_DOWNLOAD_DISK .*EFBIG/);
    assert.equal(await readFile(target(), 'utf8'), 'before');
    const kept = (await readFile(`${target()}.part`)).length;
    assert(kept === 2 ** 20 || kept === 2 ** 21);

    await fetch();
    assert.equal(server.sent('range').at(-1), `bytes=${kept}-`);
    assert.deepEqual(await readFile(target()), bytes);
    assert.deepEqual(await namesIn(folder.path), ['weights.pth']);
  });

  it('without room for what the host tells is an error before a byte is written', async () => {
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 52 }).write(bytes);
    };
    const error = await failure(fetch(), 'DOWNLOAD_DISK');
    assert.match(error.message, /requires 4503599627370496 more bytes, but .* has \d+ bytes free/);
    assert.deepEqual(await namesIn(folder.path), []);
  });

  it('that has a file in the place of the folder is an error', async () => {
    await writeFile(target(), 'a file');
    const error = await failure(fetch(join(target(), 'weights.pth')), 'DOWNLOAD_DISK');
    assert.match(error.message, /could not be written: (ENOTDIR|EEXIST)/);
    assert.equal(server.requests.length, 0);
  });

  it('that has a folder in the place of the file is an error and keeps what came', async () => {
    server.answer = file(bytes);
    await mkdir(join(target(), 'something'), { recursive: true });
    await failure(fetch(), 'DOWNLOAD_DISK');
    assert.deepEqual(await readFile(`${target()}.part`), bytes);
  });
});
