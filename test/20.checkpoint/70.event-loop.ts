import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { openCheckpoint } from '../../src/checkpoint';
import { CheckpointError } from '../../src/errors';
import { bytes, legacy, uint64 } from '../support/pickle';
import { temporaryDirectory } from '../support/temporary';

/** The maximum of processor time per turn, in milliseconds. Read at once, these files take 100 ms to 20 s. */
const maxTime = 100;

/** Content that is refused, but takes long to read. */
const hostile: Readonly<Record<string, () => Buffer>> = {
  'a safetensors header of arrays': () => safetensors(`{"a":[${'[],'.repeat(1.39e6)}[]]}`),
  'a safetensors header of deep arrays': () => safetensors(`{"a":${'['.repeat(4e6)}}`),
  'a safetensors header of quotes': () => safetensors(`{"a":"${'\\"'.repeat(2e6)}"}`),
  'a safetensors header of 30,000 tensors': () => {
    const entry = (i: number) =>
      `"layer${i}.weight":{"dtype":"F32","shape":[1],"data_offsets":[${4 * i},${4 * i + 4}]}`;
    return safetensors(`{${Array.from({ length: 30_000 }, (_, i) => entry(i)).join()}}`);
  },
  'a model.json of arrays': () => bytes(`{"a":[${'[],'.repeat(5.5e6)}[]]}`),
  'a model.json of weights': () =>
    bytes(`{"weightsManifest":[{"paths":[],"weights":[${'{"name":"w"},'.repeat(1.2e6)}{}]}]}`),
  ...Object.fromEntries(
    [']', '}', '\x8f', 'N', 'ca\nb\n', '(', 'ca\nb\n)\x81', 'N\x94', '}\x94'].map((opcodes) => [
      `a pickle of ${JSON.stringify(opcodes)}`,
      () => pickle(opcodes.repeat(2 ** 22 / opcodes.length)),
    ]),
  ),
  'a pickle of 100,000 dictionaries': () => pickle(']('.concat('}'.repeat(100_000), 'e.')),
  'a pickle of a list of 800,000 numbers': () => pickle(']('.concat('K\x01'.repeat(8e5), 'e.')),
  'a pickle of text that is not UTF-8': () => pickle(`X\0\0\0\x03${'\xff'.repeat(3 * 2 ** 24)}.`),
  'a pickle of long names': () => pickle(`c${'a'.repeat(8000)}\nb\n`.repeat(2000)),
};

function safetensors(header: string): Buffer {
  return bytes(uint64(header.length), header);
}

function pickle(opcodes: string): Buffer {
  return legacy(bytes('\x80\x04', opcodes));
}

/**
 * The most processor time, in milliseconds, that one turn of the event loop takes while `work` is pending. Unlike
 * the delay of a timer, it does not depend on other processes.
 */
async function longestTurn(work: () => Promise<void>): Promise<number> {
  let isPending = true;
  let longest = 0;
  const working = work().finally(() => (isPending = false));
  let before = process.cpuUsage();
  while (isPending) {
    await setImmediate();
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
    before = process.cpuUsage();
  }
  await working;
  return longest;
}

describe('the event loop is not blocked by', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();

  for (const [name, make] of Object.entries(hostile)) {
    it(name, async () => {
      const path = join(directory.path, 'x');
      await writeFile(path, make());
      const longest = await longestTurn(() =>
        assert.rejects(openCheckpoint(path), CheckpointError),
      );
      assert.ok(longest < maxTime, `a turn took ${longest} ms`);
    });
  }
});
