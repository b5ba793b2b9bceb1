import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeEmbeddings } from '../../src/embeddings';
import { OptionError } from '../../src/errors';
import { computeRows, conditions, imageOf, writeRows } from '../support/embedding-rows';
import { lanceOrSkip, withLance } from '../support/lancedb';
import { pythonCommand, pythonLacks } from '../support/python';
import { root, runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';
import { vector } from '../support/vectors';

const [count, dimensions] = [250, 7];
const images = Array.from({ length: count }, (_, i) => imageOf(i));
const embeddings = images.map((_, i) => [...vector(i, dimensions)]);

interface Table {
  readonly images: string[];
  readonly conditions: unknown;
  readonly embeddings: number[][];
}

describe('a file of embeddings', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const pathOf = (name: string) => join(directory.path, name);

  it('is an array of NumPy, and beside it JSON with a line for each image', async () => {
    await writeRows(pathOf('v.npy'), count, dimensions);
    assert.deepEqual((await readdir(directory.path)).toSorted(), ['v.npy', 'v.npy.json']);
    const bytes = await readFile(pathOf('v.npy'));
    assert.equal(bytes.toString('latin1', 0, 8), '\u0093NUMPY\u0001\0');
    const start = 10 + bytes.readUInt16LE(8);
    assert.equal(start % 64, 0);
    const shape = `(${count}, ${dimensions})`;
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
    assert.match(bytes.toString('latin1', 10, start), /^\S.*} *\n$/);
    assert.equal(bytes.toString('latin1', 10, start).trim(), header);
    const elements = Array.from({ length: count * dimensions }, (_, i) =>
      bytes.readFloatLE(start + 4 * i),
    );
    assert.deepEqual(elements, embeddings.flat());
    assert.equal(bytes.length, start + 4 * elements.length);
    const text = await readFile(pathOf('v.npy.json'), 'utf8');
    assert.deepEqual(JSON.parse(text), { ...conditions, dimensions, images });
    assert.equal(text.split('\n').length, count + 3);
  });

  it('has a line of JSON for each image', async () => {
    await writeRows(pathOf('v.jsonl'), count, dimensions);
    const lines = (await readFile(pathOf('v.jsonl'), 'utf8')).split('\n');
    assert.deepEqual(
      lines.slice(0, -1).map((line) => JSON.parse(line) as unknown),
      images.map((image, i) => ({ image, embedding: embeddings[i] })),
    );
    assert.equal(lines.at(-1), '');
  });

  it('is Parquet, in row groups that bound the memory', async () => {
    const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } =
      await import('hyparquet');
    await writeRows(pathOf('v.parquet'), count, dimensions);
    const file = await asyncBufferFromFile(pathOf('v.parquet'));
    assert.deepEqual(
      await parquetReadObjects({ file }),
      images.map((image, i) => ({ image, embedding: embeddings[i] })),
    );
    const { key_value_metadata } = await parquetMetadataAsync(file);
    assert.deepEqual(JSON.parse(key_value_metadata![0]!.value!), conditions);
    // Of 2^19 elements.
    await writeRows(pathOf('wide.parquet'), 5, 1 << 18);
    const wide = await asyncBufferFromFile(pathOf('wide.parquet'));
    const { row_groups } = await parquetMetadataAsync(wide);
    assert.deepEqual(
      row_groups.map(({ num_rows }) => Number(num_rows)),
      [2, 2, 1],
    );
    const rows = (await parquetReadObjects({ file: wide })) as { embedding: number[] }[];
    for (const [i, { embedding }] of rows.entries()) {
      assert.deepEqual(Float32Array.from(embedding), vector(i, 1 << 18));
    }
  });

  it('has the format that its extension names, in upper or lower case', async () => {
    await writeRows(pathOf('V.JSONL'), 1, dimensions);
    assert.equal((await readFile(pathOf('V.JSONL'), 'utf8')).split('\n').length, 2);
    for (const name of ['v.csv', 'v', '.npy']) {
      const { signal } = new AbortController();
      await assert.rejects(
        writeEmbeddings(pathOf(name), conditions, computeRows(1, 1), signal),
        (error: unknown) => {
          assert.ok(error instanceof OptionError);
          assert.match(error.message, /ends in \.npy, \.jsonl, \.parquet, \.lance/);
          return true;
        },
      );
    }
    assert.deepEqual(await readdir(directory.path), ['V.JSONL']);
  });

  describe('is read by Python', () => {
    for (const [extension, modules] of [
      ['npy', ['numpy']],
      ['jsonl', ['numpy']],
      ['parquet', ['numpy', 'pyarrow']],
      ['lance', ['numpy', 'lance']],
    ] as const) {
      const missing = pythonLacks(modules);
      const title = `.${extension} by ${modules.at(-1)}`;
      if (missing !== undefined) {
        it.skip(`${title} (skipped: ${missing})`);
        continue;
      }
      it(title, async function () {
        const path = pathOf(`v.${extension}`);
        if (extension === 'lance') await writeLance(this, path);
        else await writeRows(path, count, dimensions);
        const { images: read, conditions: stored, embeddings: values } = readWithPython(path);
        assert.deepEqual(read, images);
        assert.deepEqual(stored ?? conditions, conditions);
        assert.deepEqual(values, embeddings);
      });
    }
  });

  it('is a dataset of LanceDB, which searches it', async function () {
    const path = pathOf('my photos.lance');
    const modules = await writeLance(this, path);
    assert.deepEqual(await readdir(directory.path), ['my photos.lance']);
    await writeLance(this, pathOf('photos.lance'));
    const program = `
      const { connect } = require('@lancedb/lancedb');
      async function main() {
        const table = await (await connect(process.argv.at(-1))).openTable('photos');
        const query = ${JSON.stringify(embeddings[42])};
        const [row] = await table.vectorSearch(query).column('embedding').limit(1).toArray();
        console.log(JSON.stringify([await table.countRows(), row.image, row._distance]));
      }
      void main();`;
    const result = await runNode(program, [directory.path], withLance(modules));
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(JSON.parse(result.stdout), [count, imageOf(42), 0]);
  });

  /** In a process of its own, which finds LanceDB. */
  async function writeLance(test: Mocha.Context, path: string): Promise<string> {
    const modules = lanceOrSkip(test);
    const program = `
      const { writeRows } = require('./test/support/embedding-rows');
      void writeRows(process.argv.at(-1), ${count}, ${dimensions});`;
    const { code, stderr } = await runNode(program, [path], withLance(modules));
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    return modules;
  }

  function readWithPython(path: string): Table {
    const script = join(root, 'test', '91.embeddings', 'read.py');
    const { status, stdout, stderr } = spawnSync(pythonCommand, [script, path], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as Table;
  }
});
