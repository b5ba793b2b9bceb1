import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryEnvironment } from '../support/environment';
import { TestServer } from '../support/http-server';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

/** Runs the command with stderr as a terminal, and sends SIGINT when the progress bar appears. */
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
  const directory = temporaryDirectory();
  const server = new TestServer();
  temporaryEnvironment(() => ({
    SEMISUP_OFFLINE: undefined,
    SEMISUP_WEIGHTS_MIRROR: server.origin,
  }));

  it('terminates the process by SIGINT, shows the cursor and removes the locks', async () => {
    server.handler = (_, response) => {
      response.writeHead(200, { etag: '"1"', 'content-length': 46_000_000 });
      response.write(Buffer.alloc(100_000));
    };
    const args = ['download', 'resnet18_ssl', '--hub-dir', directory.path];
    const { signal, stdout, stderr } = await runNode(program, args);
    assert.deepEqual({ signal, stdout }, { signal: 'SIGINT', stdout: '' });
    assert.ok(stderr.includes(hideCursor));
    assert.ok(stderr.lastIndexOf(showCursor) > stderr.lastIndexOf(hideCursor));
    const files = await readdir(join(directory.path, 'checkpoints'));
    assert.deepEqual(
      files.filter((name) => name.includes('lock')),
      [],
    );
    assert.ok(files.some((name) => name.endsWith('.part')));
  });
});
