import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelError, OptionError } from '../../src/errors';
import { Channel, type Message } from '../../src/isolate/channel';
import { decodeError, encodeError } from '../../src/isolate/error-transfer';
import { MemoryWatch } from '../../src/isolate/memory-watch';
import { decodeValue, encodeValue } from '../../src/isolate/value-transfer';
import { childEnvironment } from '../../src/isolate/environment';
import { Tensor } from '../../src/native';

/** A stream that records what is written, and receives what is pushed. */
class FakeStream extends Duplex {
  readonly written: Buffer[] = [];
  override _read(): void {
    // The test pushes.
  }
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.written.push(chunk);
    done();
  }
}

/** A channel whose received messages and errors are recorded. */
function record(maxBody = 1000) {
  const stream = new FakeStream();
  const messages: Message[] = [];
  const errors: unknown[] = [];
  const channel = new Channel(
    stream,
    maxBody,
    (message) => messages.push(message),
    (error) => errors.push(error),
  );
  return { stream, channel, messages, errors };
}

/** The bytes of a message. */
function encode(header: object, parts: Uint8Array[] = []): Buffer {
  const { stream, channel } = record();
  channel.send(header, parts);
  return Buffer.concat(stream.written);
}

describe('the channel of an isolated model', () => {
  it('reassembles messages from chunks of any size', async () => {
    const parts = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(40).fill(7)];
    const bytes = Buffer.concat([encode({ a: 'ü' }), encode({ b: 2 }, parts), encode({ c: 3 })]);
    for (const size of [1, 7, bytes.length]) {
      const { stream, messages, errors } = record();
      for (let at = 0; at < bytes.length; at += size) stream.push(bytes.subarray(at, at + size));
      await sleep(10);
      assert.deepEqual(errors, []);
      assert.deepEqual(
        messages.map(({ header }) => header),
        [{ a: 'ü' }, { b: 2 }, { c: 3 }],
      );
      const { body } = messages[1]!;
      assert.equal(body.length, 16 + 48);
      assert.deepEqual([...body.subarray(0, 4)], [1, 2, 3, 0]);
      assert.deepEqual(body.subarray(16, 56), parts[2]);
    }
  });

  it('rejects what is not a message, and stops reading', async () => {
    const prefix = (headerLength: number, bodyLength: number) => {
      const bytes = Buffer.alloc(12);
      bytes.writeUInt32LE(headerLength);
      bytes.writeDoubleLE(bodyLength, 4);
      return bytes;
    };
    const invalid = [
      prefix(2 ** 31, 0),
      prefix(0, 0),
      prefix(2, NaN),
      prefix(2, -1),
      prefix(2, 0.5),
      prefix(2, 1001),
      prefix(2, 2 ** 60),
      Buffer.concat([prefix(2, 0), Buffer.from('{x')]),
    ];
    for (const bytes of invalid) {
      const { stream, messages, errors } = record();
      stream.push(bytes);
      await sleep(1);
      assert.equal(errors.length, 1, bytes.toString('hex'));
      assert.deepEqual(messages, []);
      assert.ok(stream.isPaused());
    }
  });

  it('rejects values that are not valid', async () => {
    const using_ = await encodeValue([Tensor.from([1, 2]), 3]);
    const body = new Uint8Array(16);
    const valid = JSON.parse(JSON.stringify(using_.header)) as {
      value: unknown;
      tensors: Record<string, unknown>[];
    };
    assert.ok(Array.isArray(decodeValue({ header: valid, body })));
    const [tensor] = valid.tensors;
    const change = (changes: object) => ({ ...valid, tensors: [{ ...tensor, ...changes }] });
    let deep: object = { kind: 'plain', value: 1 };
    for (let i = 0; i < 200; i++) deep = { kind: 'list', items: [deep] };
    const invalid: unknown[] = [
      ...[
        null,
        7,
        {},
        { value: null, tensors: [] },
        { value: { kind: 'tensor', index: 0 }, tensors: [] },
      ],
      ...[
        change({ dtype: 'float31' }),
        change({ shape: [3] }),
        change({ shape: 'x' }),
        change({ shape: [-2, -1] }),
      ],
      ...[
        change({ offset: 16 }),
        change({ offset: -8 }),
        change({ bytes: 7 }),
        change({ bytes: 2 ** 53 }),
      ],
      ...[
        { value: deep, tensors: [] },
        { value: { kind: 'bigint', text: 'x' }, tensors: [] },
      ],
      { value: { kind: 'plain', value: { a: 1 } }, tensors: [] },
    ];
    for (const header of invalid) {
      assert.throws(() => decodeValue({ header, body }), Error, JSON.stringify(header));
    }
  });

  it('does not set the prototype of an object', () => {
    const entry = [
      '__proto__',
      { kind: 'object', entries: [['polluted', { kind: 'plain', value: 1 }]] },
    ];
    const header = { value: { kind: 'object', entries: [entry] }, tensors: [] };
    const value = decodeValue({ header, body: new Uint8Array(0) }) as object;
    assert.equal((value as { polluted?: number }).polluted, undefined);
    assert.deepEqual(Object.keys(value), ['__proto__']);
  });

  it('transfers errors with their class, and nothing else under their name', () => {
    const details = { what: 'It failed.', remedy: 'Correct it.', value: '/a/path' };
    const error = new ModelError('ERR_SEMISUP_MODEL_FORMAT', details);
    const decoded = decodeError(JSON.parse(JSON.stringify(encodeError(error))));
    assert.ok(decoded instanceof ModelError);
    assert.deepEqual(Object.entries(decoded), Object.entries(error));
    assert.equal(decoded.message, error.message);
    const plain = decodeError(encodeError(new TypeError('no')));
    assert.deepEqual([plain.constructor, plain.message], [Error, 'no']);
    for (const changes of [{ name: 'constructor' }, { name: 'SemisupError' }, { code: 'EVIL\n' }]) {
      assert.equal(decodeError({ ...encodeError(error), ...changes }).constructor, Error);
    }
    assert.throws(() => decodeError({ name: 'ModelError' }));
    assert.throws(() => decodeError(null));
    const long = decodeError({ ...encodeError(error), what: 'x'.repeat(10 ** 6) });
    assert.ok(long.message.length < 50_000);
    assert.ok(
      decodeError(encodeError(new OptionError('ERR_SEMISUP_OPTION_VALUE', details))) instanceof
        OptionError,
    );
  });

  it('passes on only what a process needs of the environment', () => {
    process.env.OMP_TEST_SETTING = '1';
    process.env.SEMISUP_TEST_SETTING = 'https://user:password@example.org';
    try {
      const env = childEnvironment('/libtorch');
      assert.equal(env.SEMISUP_LIBTORCH, '/libtorch');
      assert.equal(env.OMP_TEST_SETTING, '1');
      assert.equal(env.HOME, process.env.HOME);
      assert.equal(env.SEMISUP_TEST_SETTING, undefined);
      assert.equal(env.NODE_OPTIONS, undefined);
    } finally {
      delete process.env.OMP_TEST_SETTING;
      delete process.env.SEMISUP_TEST_SETTING;
    }
  });

  it('measures memory often while a call runs, and seldom otherwise', async () => {
    const samples: number[] = [];
    const watch = new MemoryWatch(
      1,
      (bytes) => samples.push(bytes),
      () => 5,
    );
    assert.ok(watch.isAvailable);
    watch.start('idle');
    await sleep(300);
    assert.equal(samples.length, 0);
    watch.start('busy');
    await sleep(600);
    watch.stop();
    assert.ok(samples.length >= 3 && samples.length <= 12, `${samples.length} samples`);
    await sleep(150);
    const { length } = samples;
    await sleep(150);
    assert.equal(samples.length, length);
    assert.ok(
      !new MemoryWatch(
        1,
        () => undefined,
        () => undefined,
      ).isAvailable,
    );
  });
});
