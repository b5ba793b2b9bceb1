import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../support/run-node';
import { saveClassifier, saveNet } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

interface ResponseBody {
  readonly version?: number;
  readonly source?: string;
  readonly predictions?: { readonly index: number }[];
  readonly error?: { readonly code?: string; readonly message: string; readonly cause?: string };
}

describe('examples/swap-server.mjs', () => {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);

  let server: ChildProcess;
  let origin: string;
  let clock: Uint8Array<ArrayBuffer>;
  beforeEach(async () => {
    clock = Uint8Array.from(await readFile(join(root, 'examples', 'clock.jpg')));
    const model = await saveClassifier(path('one.pt'), 1);
    server = spawn(process.execPath, [join(root, 'examples', 'swap-server.mjs'), model, '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    origin = /http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())![0];
  });
  afterEach(() => {
    server.kill('SIGKILL');
  });

  const post = async (
    to: string,
    body: string | Uint8Array<ArrayBuffer>,
    type = 'application/json',
  ): Promise<[number, ResponseBody]> => {
    const headers = { 'content-type': type };
    const response = await fetch(origin + to, { method: 'POST', body, headers });
    return [response.status, (await response.json()) as ResponseBody];
  };
  const swap = (source: unknown) => post('/model', JSON.stringify({ source }));
  const favorite = async () => {
    const [status, { version, predictions }] = await post('/classify', clock);
    return [status, version, predictions?.[0]?.index];
  };

  it('classifies images and swaps its model', async () => {
    assert.deepEqual(await favorite(), [200, 1, 1]);
    const two = await saveClassifier(path('two.pt'), 2);
    assert.deepEqual(await swap(two), [200, { version: 2, source: two }]);
    assert.deepEqual(await favorite(), [200, 2, 2]);
  });

  it('reports the stage at which a swap failed, and keeps serving', async () => {
    const bare = await saveNet(path('bare.pt'), 1);
    for (const [source, code, cause] of [
      [path('none.pt'), 'ERR_SEMISUP_SWAP_LOAD', 'ERR_SEMISUP_MODEL_NOT_FOUND'],
      [bare, 'ERR_SEMISUP_SWAP_CHECK', 'ERR_SEMISUP_MODEL_KIND'],
      [5, 'ERR_SEMISUP_OPTION_VALUE', undefined],
    ]) {
      const [status, { error }] = await swap(source);
      assert.deepEqual([status, error?.code, error?.cause], [422, code, cause]);
    }
    assert.deepEqual(await favorite(), [200, 1, 1]);
  });

  it('rejects bodies that are not images or JSON or are too large, and unknown paths', async () => {
    const [status, { error }] = await post('/classify', 'not an image');
    assert.deepEqual([status, error?.code], [422, 'ERR_SEMISUP_IMAGE_FORMAT']);
    assert.equal((await post('/model', '{'))[0], 400);
    assert.equal((await post('/model', 'null'))[0], 422);
    assert.equal((await post('/model', '{}', 'text/plain'))[0], 415);
    assert.equal((await post('/model', JSON.stringify('a'.repeat(10_000))))[0], 413);
    assert.equal((await post('/classify', new Uint8Array(20_000_001)))[0], 413);
    assert.equal((await post('/', ''))[0], 404);
    assert.deepEqual(await favorite(), [200, 1, 1]);
  });

  it('completes pending requests on SIGTERM, and exits', async () => {
    const pending = request(`${origin}/classify`, { method: 'POST' });
    pending.write(clock.subarray(0, 1000));
    await sleep(200);
    const exit = once(server, 'exit');
    server.kill('SIGTERM');
    while (await fetch(origin).catch(() => undefined)) await sleep(20);
    assert.equal(server.exitCode, null);
    pending.end(clock.subarray(1000));
    const [response] = (await once(pending, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    assert.equal(((await json(response)) as ResponseBody).predictions?.[0]?.index, 1);
    assert.deepEqual(await exit, [0, null]);
  });
});
