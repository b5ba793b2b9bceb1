import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageIndex, memory, type IndexEntry } from '../../src/index';
import { vector, vectorEntries } from '../support/vectors';

type Goldens = Record<'float32' | 'bfloat16', { rows: number[][]; scores: number[][] }>;

/** The same entries in an index that compares vectors with plain loops. */
function nearest(
  entries: readonly IndexEntry[],
  query: ArrayLike<number>,
  topk: number,
): { id: string; score: number }[] {
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
    return sum;
  };
  const norm = (a: ArrayLike<number>) => Math.sqrt(dot(a, a));
  return entries
    .map(({ id, embedding }) => ({
      id,
      score: dot(query, embedding) / norm(query) / norm(embedding),
    }))
    .sort((a, b) => b.score - a.score)
    .slice(0, topk);
}

describe('an image index', () => {
  const indexes: ImageIndex[] = [];
  function create(options: Parameters<typeof ImageIndex.create>[0]): ImageIndex {
    const index = ImageIndex.create(options);
    indexes.push(index);
    return index;
  }
  afterEach(async () => {
    await Promise.all(indexes.splice(0).map((index) => index.close()));
  });

  for (const precision of ['float32', 'bfloat16'] as const) {
    it(`finds the same neighbors as NumPy: ${precision}`, async () => {
      const goldens = JSON.parse(
        await readFile(join(__dirname, 'neighbors.json'), 'utf8'),
      ) as Goldens;
      const { rows, scores } = goldens[precision];
      for (const threads of [1, 2, 3]) {
        const index = create({ dimensions: 67, precision, threads });
        await index.add(vectorEntries(700, 67));
        const queries = rows.map((_, q) => vector(700 + q, 67));
        const results = await index.search(queries);
        assert.deepEqual(
          results.map((neighbors) => neighbors.map(({ id }) => Number(id))),
          rows,
        );
        for (const [q, neighbors] of results.entries()) {
          for (const [i, { score }] of neighbors.entries()) {
            assert.ok(Math.abs(score - scores[q]![i]!) < 1e-6, `${score} ${scores[q]![i]}`);
          }
          // One query alone has the same sums.
          assert.deepEqual(await index.search(queries[q]!), neighbors);
        }
      }
    });
  }

  it('finds the same with any dimensions, sizes and k', async () => {
    for (const [dimensions, count, topk] of [
      [1, 3, 10],
      [5, 1, 1],
      [16, 7, 7],
      [33, 130, 4],
      [2048, 150, 200],
      [2049, 40, 3],
    ] as const) {
      const index = create({ dimensions, threads: 2 });
      const entries = vectorEntries(count, dimensions);
      await index.add(entries);
      const query = vector(3001, dimensions);
      const expected = nearest(entries, query, topk);
      const found = await index.search([...query], { topk });
      assert.equal(found.length, Math.min(count, topk));
      for (const [i, { score }] of found.entries()) {
        assert.ok(Math.abs(score - expected[i]!.score) < 1e-6, `${dimensions} ${i}`);
        assert.ok(score >= -1 && score <= 1);
      }
      assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
    }
  });

  it('resolves ties by the order of insertion, with any number of threads', async () => {
    for (const precision of ['float32', 'bfloat16'] as const) {
      const results = [1, 2, 5].map(async (threads) => {
        const index = create({ dimensions: 512, precision, threads });
        // Equal vectors in many blocks of rows, at all positions in a tile.
        const entries = vectorEntries(3001, 512).map(({ id }, i) => ({
          id,
          embedding: vector(i % 3, 512),
        }));
        await index.add(entries);
        return await index.search(vector(1, 512), { topk: 1500 });
      });
      const [first, ...others] = await Promise.all(results);
      const ids = first!.map(({ id }) => Number(id));
      assert.deepEqual(
        ids.slice(0, 1000),
        Array.from({ length: 1000 }, (_, i) => 3 * i + 1),
      );
      for (const other of others) assert.deepEqual(other, first);
    }
  });

  it('replaces and removes entries, and keeps their order', async () => {
    const index = create({ dimensions: 8 });
    await index.add([
      { id: 'a', embedding: vector(1, 8), metadata: { size: 1 } },
      { id: 'b', embedding: vector(2, 8) },
      { id: 'c', embedding: vector(3, 8) },
      { id: 'b', embedding: vector(4, 8), metadata: { size: 4 } },
    ]);
    assert.deepEqual(index.ids(), ['a', 'c', 'b']);
    assert.deepEqual([index.metadata('a'), index.metadata('c')], [{ size: 1 }, undefined]);
    assert.deepEqual((await index.search(vector(4, 8), { topk: 1 }))[0]!.id, 'b');
    await index.add([{ id: 'a', embedding: vector(5, 8) }]);
    assert.deepEqual(index.ids(), ['c', 'b', 'a']);
    assert.equal(index.metadata('a'), undefined);
    assert.equal((await index.search(vector(1, 8))).length, 3);
    assert.equal(await index.remove(['b', 'b', 'z']), 1);
    assert.deepEqual([index.size, index.has('b'), index.has('a')], [2, false, true]);
    const left = await index.search(vector(4, 8));
    assert.deepEqual(left.map(({ id }) => id).toSorted(), ['a', 'c']);
    await index.remove(['a', 'c']);
    assert.deepEqual([await index.search(vector(4, 8)), await index.duplicates()], [[], []]);
  });

  it('releases the memory of entries that are removed or replaced', async () => {
    const index = create({ dimensions: 64, threads: 2 });
    for (let round = 0; round < 8; round++) {
      const entries = vectorEntries(1000, 64, 1000 * (round % 2));
      await index.add(entries);
      await index.remove(entries.slice(0, 900).map(({ id }) => id));
      await index.add(vectorEntries(50, 64, 5000));
    }
    assert.ok(memory().indexes.bytes < 4000 * 64 * 4, `${memory().indexes.bytes}`);
    const expected = index.ids().map((id) => ({ id, embedding: vector(Number(id), 64) }));
    const found = await index.search(vector(77, 64), { topk: index.size });
    assert.deepEqual(
      found.slice(0, 5).map(({ id }) => id),
      nearest(expected, vector(77, 64), 5).map(({ id }) => id),
    );
    assert.equal(found.length, index.size);
  });

  it('searches while entries are added and removed', async () => {
    const index = create({ dimensions: 128, threads: 2 });
    await index.add(vectorEntries(500, 128));
    const changes = (async () => {
      for (let i = 0; i < 30; i++) {
        await index.add(vectorEntries(200, 128, 1000));
        await index.remove(vectorEntries(200, 128, 1000).map(({ id }) => id));
      }
    })();
    let isDone = false;
    void changes.then(() => (isDone = true));
    const expected = new Set(vectorEntries(1200, 128).map(({ id }) => id));
    while (!isDone) {
      for (const { id, score } of await index.search(vector(3, 128), { topk: 1 })) {
        assert.ok(id === '3' && score > 0.99999, `${id} ${score}`);
      }
      for (const { id } of await index.search(vector(1100, 128))) assert.ok(expected.has(id));
    }
    await changes;
    assert.equal(index.size, 500);
  });

  it('returns the vectors that it stores', async () => {
    for (const [precision, tolerance] of [
      ['float32', 1e-7],
      ['bfloat16', 2 ** -8],
    ] as const) {
      const index = create({ dimensions: 65, precision });
      await index.add(vectorEntries(3, 65));
      const original = vector(1, 65);
      const norm = Math.hypot(...original);
      const stored = (await index.embedding('1'))!;
      assert.equal(stored.length, 65);
      for (const [i, value] of stored.entries()) {
        const expected = original[i]! / norm;
        const error = Math.abs(value - expected);
        assert.ok(error <= tolerance * Math.max(Math.abs(expected), 1e-3), `${value} ${expected}`);
      }
      assert.equal(await index.embedding('3'), undefined);
    }
  });

  it('gives a vector of zeros a cosine of 0', async () => {
    const index = create({ dimensions: 4 });
    await index.add([
      { id: 'zero', embedding: [0, 0, 0, 0] },
      { id: 'one', embedding: [1, 0, 0, 0] },
    ]);
    assert.deepEqual(await index.search([1, 0, 0, 0]), [
      { id: 'one', score: 1 },
      { id: 'zero', score: 0 },
    ]);
    assert.deepEqual(
      (await index.search([0, 0, 0, 0])).map(({ score }) => score),
      [0, 0],
    );
  });

  it('rejects invalid arguments, and adds none of the entries of a failed call', async () => {
    const index = create({ dimensions: 3 });
    const valid = { id: 'a', embedding: [1, 2, 3] };
    const isOptionError = { code: 'ERR_SEMISUP_OPTION_VALUE' };
    for (const entry of [
      { id: '', embedding: [1, 2, 3] },
      { id: 'b\uD800', embedding: [1, 2, 3] },
      { id: 'b', embedding: [1, 2] },
      { id: 'b', embedding: [1, 2, NaN] },
      { id: 'b', embedding: Float32Array.of(1, Infinity, 2) },
      { id: 'b', embedding: 'abc' },
      { id: 'b', embedding: [1, 2, 3], metadata: [] },
      { id: 'b', embedding: [1, 2, 3], metadata: { size: 1n } },
      null,
    ]) {
      await assert.rejects(index.add([valid, entry as IndexEntry]), isOptionError);
    }
    assert.equal(index.size, 0);
    await index.add([valid]);
    await assert.rejects(index.add([{ ...valid, embedding: [1, NaN, 2] }]), /embedding of 'a'/);
    assert.deepEqual((await index.search([1, 2, 3])).length, 1);
    await assert.rejects(index.search([1, 2]), isOptionError);
    await assert.rejects(index.search([1, 2, NaN]), isOptionError);
    await assert.rejects(index.search([1, 2, 3], { topk: 0 }), isOptionError);
    await assert.rejects(index.remove('a' as unknown as string[]), isOptionError);
    await assert.rejects(index.duplicates({ threshold: 2 }), isOptionError);
    await assert.rejects(index.search([1, 2, 3], { topK: 1 } as object), {
      code: 'ERR_SEMISUP_OPTION_UNKNOWN',
      message: /Did you mean 'topk'/,
    });
    for (const dimensions of [0, 1.5, 65_537, undefined]) {
      assert.throws(
        () => ImageIndex.create({ dimensions } as { dimensions: number }),
        isOptionError,
      );
    }
    assert.throws(() => create({ dimensions: 3, precision: 'int8' as 'float32' }), isOptionError);
    assert.deepEqual(await index.search([]), []);
  });

  it('stops a search or a comparison of all pairs that is aborted', async () => {
    const index = create({ dimensions: 2048, threads: 2 });
    const entries = vectorEntries(4000, 2048);
    await index.add(entries);
    const aborted = new AbortController();
    aborted.abort();
    await assert.rejects(index.search(entries[0]!.embedding, aborted), { name: 'AbortError' });
    // Seconds of work, if it were not stopped.
    const queries = Array<Float32Array>(4000).fill(entries[0]!.embedding as Float32Array);
    const start = performance.now();
    const calls = [
      (signal: AbortSignal) => index.search(queries, { signal }),
      (signal: AbortSignal) => index.duplicates({ signal }),
    ];
    for (const call of calls) {
      const controller = new AbortController();
      const running = call(controller.signal);
      await sleep(20);
      controller.abort(new Error('enough'));
      await assert.rejects(running, /enough/);
    }
    // Waits for the thread.
    await index.search(entries[0]!.embedding);
    const stopped = performance.now() - start;
    const unstopped = performance.now();
    await index.search(queries);
    assert.ok(stopped < performance.now() - unstopped, `${stopped} ms`);
  });

  it('groups near-duplicates, directly or through others', async () => {
    for (const precision of ['float32', 'bfloat16'] as const) {
      const index = create({ dimensions: 256, precision, threads: 3 });
      const at = (degrees: number, plane: number) => {
        const embedding = new Float32Array(256);
        embedding[2 * plane] = Math.cos((degrees * Math.PI) / 180);
        embedding[2 * plane + 1] = Math.sin((degrees * Math.PI) / 180);
        return embedding;
      };
      const entries: IndexEntry[] = vectorEntries(400, 256);
      // A chain, whose ends are 30 degrees apart; a pair; and one that is alone.
      entries.splice(390, 0, { id: 'c20', embedding: at(20, 1) });
      entries.splice(300, 0, { id: 'd0', embedding: at(0, 2) });
      entries.splice(
        200,
        0,
        { id: 'c0', embedding: at(0, 1) },
        { id: 'c30', embedding: at(30, 1) },
      );
      entries.splice(70, 0, { id: 'c10', embedding: at(10, 1) }, { id: 'd5', embedding: at(5, 2) });
      entries.splice(10, 0, { id: 'c60', embedding: at(60, 1) });
      await index.add(entries);
      await index.remove(['17']);
      const progress: number[] = [];
      const groups = await index.duplicates({
        threshold: 0.98,
        onProgress: ({ compared, total }) => progress.push(compared / total),
      });
      assert.deepEqual(
        groups.map((group) => group.map(({ id }) => id)),
        [
          ['c10', 'c0', 'c30', 'c20'],
          ['d5', 'd0'],
        ],
      );
      const cosines = [0, 10, 20, 10].map((degrees) => Math.cos((degrees * Math.PI) / 180));
      for (const [i, { score }] of groups[0]!.entries()) {
        assert.ok(Math.abs(score - cosines[i]!) < 0.01, `${score}`);
      }
      assert.equal(progress.at(-1), 1);
      assert.deepEqual(
        progress,
        progress.toSorted((a, b) => a - b),
      );
      assert.deepEqual(await index.duplicates({ threshold: 1 }), []);
    }
  });

  it('refuses calls after close(), which waits for pending ones', async () => {
    const index = ImageIndex.create({ dimensions: 512, model: 'resnet18_swsl' });
    const added = index.add(vectorEntries(2000, 512));
    const found = index.search(vector(1, 512));
    const closed = index.close();
    await Promise.all([added, found, closed, index.close(), index[Symbol.asyncDispose]()]);
    const isDisposed = { name: 'DisposedError', code: 'ERR_SEMISUP_DISPOSED' };
    await assert.rejects(index.add([]), isDisposed);
    await assert.rejects(index.remove([]), isDisposed);
    await assert.rejects(index.search(vector(1, 512)), isDisposed);
    await assert.rejects(index.duplicates(), isDisposed);
    await assert.rejects(index.embedding('1'), isDisposed);
    await assert.rejects(index.save('/nowhere'), isDisposed);
    assert.equal(memory().indexes.count, 0);
  });

  it('does not block the event loop while it searches', async () => {
    const index = create({ dimensions: 2048, threads: 1 });
    await index.add(vectorEntries(2000, 2048));
    const queries = Array.from({ length: 300 }, (_, i) => vector(i, 2048));
    let [last, longest] = [performance.now(), 0];
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const searching = index.search(queries);
    last = performance.now();
    const start = last;
    await searching;
    clearInterval(timer);
    const duration = performance.now() - start;
    assert.ok(longest < duration / 2, `${longest} of ${duration} ms`);
  });
});
