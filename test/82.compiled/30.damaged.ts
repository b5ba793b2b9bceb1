import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Classifier, ModelError } from '../../src';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';
import { Random } from '../support/random';
import { runNode } from '../support/run-node';

/** The offsets of the header's fields (docs/compiled-models.md). */
const header = { version: 8, byteOrder: 12, fileBytes: 16, sections: 24, checksum: 32 };
/** The offset of the table of sections. */
const table = 40;

describe('a compiled model that is damaged', function () {
  this.timeout(300_000);
  let directory: string;
  let file: string;
  let intact: Buffer;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-damaged-'));
    const torchScript = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    await using model = await Classifier.open(torchScript, { plan: 'untuned' });
    file = await model.compile(join(directory, 'resnet18.semisup'), { precision: 'int8' });
    intact = await readFile(file);
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  /** Opens a file with other contents, and returns the reason for which it is refused. */
  async function reasonOf(bytes: Uint8Array): Promise<string> {
    const path = join(directory, 'damaged');
    await writeFile(path, bytes);
    for (const source of [path, bytes]) {
      const error = await Classifier.open(source).then(
        async (model) => {
          await model.close();
          return undefined;
        },
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ModelError, String(error));
      assert.equal(error.code, 'ERR_SEMISUP_MODEL_FORMAT');
      if (source !== path) return /compiled model: (.+?)\. Compile/.exec(error.message)![1]!;
      assert.ok(error.message.startsWith(path));
    }
    throw new Error('unreachable');
  }

  /** A copy with a change. */
  function changed(change: (copy: Buffer) => void): Buffer {
    const copy = Buffer.from(intact);
    change(copy);
    return copy;
  }

  /** The position of the last byte of the last array of weights that is not empty. */
  function lastWeight(bytes: Buffer): number {
    const sections = Array.from(
      { length: Number(bytes.readBigUInt64LE(header.sections)) },
      (_, i) => ({
        begin: Number(bytes.readBigUInt64LE(table + 32 * i + 8)),
        length: Number(bytes.readBigUInt64LE(table + 32 * i + 16)),
      }),
    );
    const { begin, length } = sections.findLast(({ length }) => length > 0)!;
    return begin + length - 1;
  }

  const changes: Readonly<Record<string, [change: (copy: Buffer) => void, reason: RegExp]>> = {
    'another version': [
      (copy) => copy.writeUInt32LE(7, header.version),
      /^its format has the version 7, and this package reads version \d+$/,
    ],
    'another byte order': [
      (copy) => copy.subarray(header.byteOrder, header.byteOrder + 4).reverse(),
      /^it was compiled on a machine of another byte order$/,
    ],
    'too large a size': [
      (copy) => copy.writeBigUInt64LE(2n ** 40n, header.fileBytes),
      /^it is truncated$/,
    ],
    'too small a size': [
      (copy) => copy.writeBigUInt64LE(100n, header.fileBytes),
      /^it has bytes after its end$/,
    ],
    'too many sections': [
      (copy) => copy.writeBigUInt64LE(2n ** 60n, header.sections),
      /^its table of sections is damaged$/,
    ],
    'another place of a section': [
      (copy) => copy.writeBigUInt64LE(64n, table + 8),
      /^its table of sections is damaged$/,
    ],
    'another checksum': [
      (copy) => copy.writeUInt8(copy.readUInt8(header.checksum) ^ 1, header.checksum),
      /^its table of sections is damaged$/,
    ],
    'another weight': [
      (copy) => {
        const at = lastWeight(copy);
        copy.writeUInt8(copy[at]! ^ 1, at);
      },
      /^section \d+ is damaged$/,
    ],
  };

  for (const [name, [change, reason]] of Object.entries(changes)) {
    it(`is refused: ${name}`, async () => {
      assert.match(await reasonOf(changed(change)), reason);
    });
  }

  it('is refused wherever it ends', async () => {
    for (const length of [9, 39, 40, 100, 1000, 100_000, intact.length - 1]) {
      const reason = await reasonOf(intact.subarray(0, length));
      assert.equal(reason, 'it is truncated', `${length} bytes`);
    }
  });

  it('is refused with any byte changed that is read', async () => {
    const random = new Random(1);
    for (let i = 0; i < 50; i++) {
      // The padding of sections is not read.
      const at = 8 + random.below(Math.min(2000, intact.length) - 8);
      const copy = changed((bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at));
      const padding = intact[at] === 0 && isPadding(intact, at);
      if (!padding) await reasonOf(copy);
    }
  });

  it('does not affect other models of the process', async () => {
    await using model = await Classifier.open(file);
    const image = noise(100, 100, 3);
    const expected = await model.classify(image);
    await reasonOf(intact.subarray(0, 5000));
    assert.deepEqual(await model.classify(image), expected);
  });

  it('is no compiled model without its first bytes', async () => {
    const path = join(directory, 'other');
    await writeFile(path, intact.subarray(1));
    await assert.rejects(Classifier.open(path), /could not be loaded as TorchScript/);
  });

  it('is refused by processors that it was not compiled for, which can be lowered', async function () {
    const { stdout: set } = await runNode(
      `console.log(require('./src/native').openEngine().instructionSet);`,
    );
    if (process.arch !== 'x64' || set.trim() === 'avx2' || set.trim() === 'none') {
      this.test!.title += ' (skipped: needs a processor with more than AVX2)';
      this.skip();
    }
    const { stdout } = await runNode(
      `require('./src').Classifier.open(process.argv[1]).catch((error) => console.log(error.code, error.message));`,
      [file],
      { ...process.env, SEMISUP_CPU: 'avx2' },
    );
    assert.match(
      stdout,
      /^ERR_SEMISUP_MODEL_PROCESSOR .*resnet18\.semisup cannot run on this processor: it was compiled for \w+, and the kernels in use are those of avx2\. Compile .*SEMISUP_CPU/,
    );
  });
});

/** Whether a byte lies between sections. */
function isPadding(bytes: Buffer, at: number): boolean {
  const sections = Number(bytes.readBigUInt64LE(header.sections));
  if (at < table + 32 * sections) return false;
  for (let i = 0; i < sections; i++) {
    const begin = Number(bytes.readBigUInt64LE(table + 32 * i + 8));
    const length = Number(bytes.readBigUInt64LE(table + 32 * i + 16));
    if (at >= begin && at < begin + length) return false;
  }
  return true;
}
