import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { extract } from 'tar';
import { CheckpointError } from '../../src/errors';
import { hub } from '../../src/hub';
import { parseMetadata } from '../../src/models';
import { ScriptModule } from '../../src/torch';
import { generatedImage } from '../support/generated-checkpoint';
import { PythonServer, pythonLacks } from '../support/python';
import { writeWrapping, type Wrapping } from '../support/wrappings';

/** A row of wrappings.json: a checkpoint, and what loading it must result in. */
interface Row extends Wrapping {
  /** The model that it is loaded as. */
  readonly model?: string;
  readonly numClasses?: number;
  readonly expect: {
    /** The outputs in wrappings-logits.json; `features` for a random head. */
    readonly logits?: string;
    readonly key?: string;
    readonly prefix?: string;
    readonly classes?: number;
    readonly head?: 'random';
    /** The codes of the warnings. */
    readonly warnings?: readonly string[];
    /** The code of the error, and a regular expression that its message matches. */
    readonly code?: string;
    readonly message?: string;
  };
}

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(__dirname, name), 'utf8')) as T;
}

const missing = pythonLacks(['torch', 'numpy', 'safetensors']);

// eslint-disable-next-line @typescript-eslint/no-require-imports
const rows = require('./wrappings.json') as Row[];

const origin = missing ? 'the committed files' : "Python's files";

describe(`checkpoint of a training script, from ${origin}`, function () {
  this.timeout(120_000);
  let directory: string;
  let python: PythonServer | undefined;
  let outputs: Record<string, number[]>;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    outputs = await readJson('wrappings-logits.json');
    if (!missing) python = new PythonServer(join(__dirname, 'make-wrappings.py'), ['serve']);
    await extract({ file: join(__dirname, 'wrappings.tar.gz'), cwd: directory });
  });
  after(async () => {
    await python?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it('has at least 60 rows with different names', () => {
    assert.ok(new Set(rows.map(({ name }) => name)).size >= 60);
  });

  for (const row of rows) {
    const { model = 'resnet18_swsl', numClasses, expect } = row;
    const verdict = expect.code ? 'is rejected' : "has PyTorch's logits";
    it(`${verdict}: ${row.name}`, async () => {
      const weights = python
        ? await python.call<string>('make', row, directory)
        : await writeWrapping(row, directory);
      const path = join(directory, 'model.pt');
      const { warnings, result } = await withWarnings(() =>
        hub.exportTorchScript(model, path, { weights, numClasses }),
      );
      if (row.container === 'safetensors' || row.container === 'tfjs') await rm(weights);
      if (expect.code !== undefined) {
        assert.ok(result instanceof CheckpointError, String(result));
        assert.equal(result.code, expect.code, result.message);
        assert.match(result.message, new RegExp(expect.message!));
        assert.ok(result.message.includes(weights));
        assert.ok(result.message.length < 1500, result.message);
        return;
      }
      if (result instanceof Error) throw result;
      assert.deepEqual(
        warnings.map(({ code }) => code),
        expect.warnings ?? [],
      );
      for (const { message } of warnings) assert.ok(message.includes(weights), message);
      await using module = await ScriptModule.load(path);
      const metadata = parseMetadata(module.extraFiles['semisup.json']!, path);
      const { source, head, numClasses: classes } = metadata;
      assert.deepEqual(
        { key: source!.key, prefix: source!.prefix, head, classes },
        {
          key: expect.key,
          prefix: expect.prefix,
          head: expect.head ?? 'checkpoint',
          classes: expect.classes ?? 1000,
        },
      );
      const method = expect.logits === 'features' ? 'features' : 'forward';
      using input = generatedImage();
      using output = await module.call(method, input);
      assertClose([...(await output.toFloat32())], outputs[expect.logits!]!);
    });
  }
});

async function withWarnings<T>(
  work: () => Promise<T>,
): Promise<{ warnings: (Error & { code?: string })[]; result: T | Error }> {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  try {
    const result = await work().catch((error: unknown) => error as Error);
    // Warnings are emitted on the next tick.
    await setImmediate();
    return { warnings, result };
  } finally {
    process.off('warning', listen);
  }
}

/** Asserts that all values are within 1e-4 of the largest absolute value. */
function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  const tolerance = 1e-4 * Math.max(...expected.map(Math.abs));
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${value} is not ${expected[i]} (${i})`);
  }
}
