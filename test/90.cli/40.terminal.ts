import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryEnvironment } from '../support/environment';
import { TestServer } from '../support/http-server';
import { runNode } from '../support/run-node';
import { temporaryFolder } from '../support/temporary';

/** The command, on a standard error that says that it is a terminal; Ctrl-C comes when a bar does. */
const program = `
  process.stderr.isTTY = true;
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (text, ...rest) => {
    if (text.includes('% of')) process.kill(process.pid, 'SIGINT');
    return write(text, ...rest);
  };
  require('./src/cli');
`;

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';

describe('Ctrl-C', () => {
  const folder = temporaryFolder();
  const server = new TestServer();
  temporaryEnvironment(() => ({
    SEMISUP_OFFLINE: undefined,
    SEMISUP_WEIGHTS_MIRROR: server.origin,
  }));

  it('ends the process by its signal, with the cursor shown and the locks removed', async () => {
    server.answer = (_, response) => {
      response.writeHead(200, { etag: '"1"', 'content-length': 46_000_000 });
      response.write(Buffer.alloc(100_000));
    };
    const args = ['download', 'resnet18_ssl', '--hub-dir', folder.path];
    const { signal, stdout, stderr } = await runNode(program, args);
    assert.deepEqual({ signal, stdout }, { signal: 'SIGINT', stdout: '' });
    assert.ok(stderr.includes(hideCursor));
    assert.ok(stderr.lastIndexOf(showCursor) > stderr.lastIndexOf(hideCursor));
    const files = await readdir(join(folder.path, 'checkpoints'));
    assert.deepEqual(
      files.filter((name) => name.includes('lock')),
      [],
    );
    assert.ok(files.some((name) => name.endsWith('.part')));
  });
});
