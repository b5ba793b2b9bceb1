import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeEmbeddings, type ComputeRows } from '../../src/embeddings';
import { EmbeddingsError } from '../../src/errors';
import { computeRows, conditions, imageOf, writeRows } from '../support/embedding-rows';
import { Random } from '../support/random';
import { root } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';
import { vector } from '../support/vectors';

const kills = Number(process.env.SEMISUP_TEST_KILLS ?? 12);

describe('writing a file of embeddings', function () {
  this.timeout(240_000);
  const directory = temporaryDirectory();
  const pathOf = (name: string) => join(directory.path, name);
  const path = () => pathOf('v.jsonl');
  const rowsPath = () => pathOf('v.jsonl.part/rows');

  async function write(compute: ComputeRows, file = path(), other = {}): Promise<void> {
    const { signal } = new AbortController();
    await writeEmbeddings(file, { ...conditions, ...other }, compute, signal);
  }

  /** Leaves `count` rows, as a process that is killed does. */
  async function leaveRows(count: number, dimensions: number, file = path()): Promise<void> {
    const compute = computeRows(count, dimensions);
    const failing: ComputeRows = async (rows, signal) => {
      await compute(rows, signal);
      throw new Error('killed');
    };
    await assert.rejects(write(failing, file), /^Error: killed$/);
  }

  /** Completes the file; returns how many rows it had. */
  async function complete(count: number, dimensions: number): Promise<number> {
    let known = -1;
    await write(async (rows, signal) => {
      known = rows.size;
      return await computeRows(count, dimensions)(rows, signal);
    });
    return known;
  }

  async function check(count: number, dimensions: number): Promise<void> {
    assert.deepEqual(await readdir(directory.path), ['v.jsonl']);
    const lines = (await readFile(path(), 'utf8')).split('\n').slice(0, -1);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      Array.from({ length: count }, (_, i) => ({
        ...{ image: imageOf(i), embedding: [...vector(i, dimensions)] },
      })),
    );
  }

  const isError = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof EmbeddingsError, String(error));
    assert.equal(error.code, `ERR_SEMISUP_EMBEDDINGS_${code}`);
    assert.match(error.message, message);
    return true;
  };

  it(`goes on after the process was killed (${kills} kills)`, async () => {
    const [count, dimensions] = [2000, 64];
    const start = () => {
      const script = join(__dirname, '../support/children/write-rows.ts');
      const numbers = [count, dimensions, 50, 10].map(String);
      const args = ['--require', 'tsx', script, path(), ...numbers];
      return spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    };
    const random = new Random(5);
    const sizes: number[] = [];
    for (let i = 0; i < kills; i++) {
      const child = start();
      const exited = once(child, 'exit');
      const [line] = (await Promise.race([once(child.stdout, 'data'), exited])) as unknown[];
      // All are complete, if this machine was faster than expected.
      if (!Buffer.isBuffer(line)) break;
      sizes.push(Number(line.toString()));
      await sleep(80 * random.next());
      child.kill('SIGKILL');
      await exited;
      if (await stat(path()).catch(() => undefined)) break;
    }
    assert.ok(sizes.at(-1)! > 0, 'no process left rows');
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => a - b),
    );
    const known = await complete(count, dimensions).catch((error: unknown) => {
      assert.ok(isError('EXIST', /exists/)(error));
      return count;
    });
    assert.ok(known >= sizes.at(-1)!);
    await check(count, dimensions);
  });

  it('removes a row that was not written to its end', async () => {
    await leaveRows(2, 3);
    const end = (await readFile(rowsPath())).length;
    await leaveRows(3, 3);
    const bytes = await readFile(rowsPath());
    for (let length = end; length < bytes.length; length++) {
      await writeFile(rowsPath(), bytes.subarray(0, length));
      await leaveRows(2, 3);
      assert.equal((await readFile(rowsPath())).length, end, `${length}`);
    }
    assert.equal(await complete(3, 3), 2);
    await check(3, 3);
  });

  it('computes again what follows a damaged byte', async () => {
    await leaveRows(4, 3);
    const bytes = await readFile(rowsPath());
    const header = bytes.indexOf('\n') + 1;
    const recordBytes = (bytes.length - header) / 4;
    for (let i = header; i < bytes.length; i++) {
      const damaged = Buffer.from(bytes);
      damaged[i]! ^= 0x81;
      await writeFile(rowsPath(), damaged);
      let known = -1;
      const stop: ComputeRows = (rows) => {
        known = rows.size;
        throw new Error('stopped');
      };
      await assert.rejects(write(stop), /stopped/);
      assert.equal(known, Math.floor((i - header) / recordBytes), `byte ${i}`);
      // Without any row, it was removed.
      await mkdir(pathOf('v.jsonl.part'), { recursive: true });
    }
    await writeFile(rowsPath(), bytes);
    assert.equal(await complete(4, 3), 4);
    await check(4, 3);
  });

  it('computes a row again if its image has changed, and omits those of others', async () => {
    await leaveRows(5, 3);
    await write(async (rows) => {
      assert.ok(rows.has(imageOf(3), 'stamp 3') && !rows.has(imageOf(3), 'stamp'));
      const embedding = Float32Array.of(1, 2, 3);
      await rows.append([{ image: imageOf(3), stamp: 'stamp', embedding }]);
      assert.ok(rows.has(imageOf(3), 'stamp'));
      assert.equal(rows.size, 5);
      return [imageOf(3), imageOf(0)];
    });
    const lines = (await readFile(path(), 'utf8')).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        { image: imageOf(3), embedding: [1, 2, 3] },
        { image: imageOf(0), embedding: [...vector(0, 3)] },
      ],
    );
  });

  it('keeps rows of calls that overlap', async () => {
    await write(async (rows) => {
      const images = Array.from({ length: 60 }, (_, i) => imageOf(i));
      await Promise.all(
        images.map((image, i) => rows.append([{ image, stamp: '', embedding: vector(i, 1000) }])),
      );
      return images;
    });
    await check(60, 1000);
  });

  it('refuses rows of another model and other options, and a file that exists', async () => {
    await leaveRows(2, 3);
    const compute = computeRows(2, 3);
    await assert.rejects(
      write(compute, path(), { model: 'other' }),
      isError(
        'CONDITIONS',
        /model was "none", and is now "other"\. .* delete '.*v\.jsonl\.part', /,
      ),
    );
    await assert.rejects(
      write(compute, path(), { transform: { crop: 288 } }),
      isError('CONDITIONS', /transform was \{"crop":224\}, and is now \{"crop":288\}/),
    );
    await writeFile(rowsPath(), 'something else\n');
    await assert.rejects(write(compute), isError('CONDITIONS', /is not that of embeddings/));
    await writeFile(pathOf('v.npy.json'), 'of the user');
    await assert.rejects(
      write(compute, pathOf('v.npy')),
      isError('EXIST', /v\.npy\.json' exists\. Delete it, or choose another file\./),
    );
    assert.equal(await readFile(pathOf('v.npy.json'), 'utf8'), 'of the user');
    await writeFile(pathOf('w.jsonl'), 'of the user');
    await assert.rejects(write(compute, pathOf('w.jsonl')), isError('EXIST', /w\.jsonl' exists/));
    assert.deepEqual((await readdir(directory.path)).toSorted(), [
      ...['v.jsonl.part', 'v.npy.json', 'w.jsonl'],
    ]);
  });

  it('leaves nothing if there are no rows, and names the file that cannot be written', async () => {
    const none: ComputeRows = () => Promise.reject(new Error('no images'));
    await assert.rejects(write(none), /no images/);
    assert.deepEqual(await readdir(directory.path), []);
    await writeFile(pathOf('file'), '');
    await assert.rejects(
      write(computeRows(1, 1), pathOf('file/v.jsonl')),
      isError('WRITE', /file\/v\.jsonl' could not be written: .*ENOTDIR|EEXIST/),
    );
    // A lock cannot be created.
    await mkdir(pathOf('v.jsonl.lock'));
    await assert.rejects(
      write(computeRows(1, 1)),
      isError('WRITE', /v\.jsonl' could not be written: /),
    );
  });

  it('completes what a process left that was killed between two renames', async () => {
    await leaveRows(3, 2, pathOf('v.npy'));
    await mkdir(pathOf('kept'));
    await rename(pathOf('v.npy.part'), pathOf('kept/v.npy.part'));
    await writeRows(pathOf('v.npy'), 3, 2);
    const expected = await readFile(pathOf('v.npy'));
    await rename(pathOf('kept/v.npy.part'), pathOf('v.npy.part'));
    for (const left of ['v.npy.json', 'v.npy']) {
      await writeFile(pathOf(left), 'unfinished');
      await mkdir(pathOf('v.npy.part/output'), { recursive: true });
      await writeFile(pathOf('v.npy.part/output/v.npy'), 'unfinished');
    }
    await writeRows(pathOf('v.npy'), 3, 2);
    assert.deepEqual(await readFile(pathOf('v.npy')), expected);
    assert.equal(
      (JSON.parse(await readFile(pathOf('v.npy.json'), 'utf8')) as { images: [] }).images.length,
      3,
    );
    assert.deepEqual(await readdir(pathOf('.')), ['kept', 'v.npy', 'v.npy.json']);
  });

  it('stops when it is aborted, also while it converts, and goes on', async () => {
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const compute = computeRows(50, 3);
    const written = writeEmbeddings(
      path(),
      conditions,
      async (rows, signal) => {
        const images = await compute(rows, signal);
        controller.abort(reason);
        return images;
      },
      controller.signal,
    );
    await assert.rejects(written, reason);
    assert.deepEqual(await readdir(directory.path), ['v.jsonl.part']);
    assert.equal(await complete(50, 3), 50);
    await check(50, 3);
  });

  it('is done by one process at a time', async () => {
    let running = 0;
    const compute: ComputeRows = async (rows, signal) => {
      assert.equal(++running, 1);
      await sleep(50);
      const images = await computeRows(20, 3)(rows, signal);
      running--;
      return images;
    };
    const results = await Promise.allSettled([write(compute), write(compute)]);
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    const failed = results.find((result) => result.status === 'rejected');
    assert.ok(isError('EXIST', /v\.jsonl' exists/)(failed!.reason));
    await check(20, 3);
  });
});
