import assert from 'node:assert/strict';
import { once, type EventEmitter } from 'node:events';
import {
  appendFile,
  chmod,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OptionError } from '../../src/errors';
import { ModelSlot, type SwapFailure, type WatchOptions } from '../../src/slot';
import { runNode } from '../support/run-node';
import { answerOf, makeNet, ones, saveNet } from '../support/slot-models';
import { temporaryFolder } from '../support/temporary';

/** Milliseconds. */
const settle = 150;

describe('slot.watch', () => {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  const bytesOf = async (scale: number) =>
    readFile(await saveNet(path(`bytes-${scale}.pt`), scale));
  /** Writes a net into a file that is there already, and so not by renaming. */
  const write = async (scale: number) => {
    await writeFile(path('net.pt'), await bytesOf(scale));
  };

  let slot: ModelSlot;
  /** The names of the swaps' outcomes, in their order. */
  let outcomes: string[];
  const watch = async (options: WatchOptions = {}) => {
    slot = await ModelSlot.open(await saveNet(path('net.pt'), 1));
    outcomes = [];
    slot.on('swap', () => outcomes.push('swap')).on('failed', () => outcomes.push('failed'));
    slot.watch({ settle, ...options });
  };
  const next = (event: 'swap' | 'failed') =>
    once(slot as EventEmitter, event) as Promise<[SwapFailure]>;
  const answer = async () => {
    using input = ones();
    using output = await slot.forward(input);
    return await output.data();
  };
  /** For as long as a change would take to be noticed. */
  const quiet = () => sleep(3 * settle);
  afterEach(() => slot.close());

  it('swaps when the file is replaced by a rename', async () => {
    await watch();
    await saveNet(path('new.pt'), 2);
    const swapped = next('swap');
    await rename(path('new.pt'), path('net.pt'));
    await swapped;
    assert.deepEqual(await answer(), answerOf(2));
    await quiet();
    assert.deepEqual(outcomes, ['swap']);
    assert.equal(slot.source, path('net.pt'));
  });

  it('swaps when the file is rewritten in place', async () => {
    await watch();
    const swapped = next('swap');
    await write(2);
    await swapped;
    assert.deepEqual(await answer(), answerOf(2));
  });

  it('waits until a slow writer is done', async () => {
    await watch();
    const bytes = await bytesOf(2);
    const swapped = next('swap');
    await writeFile(path('net.pt'), '');
    const step = Math.ceil(bytes.length / 10);
    for (let start = 0; start < bytes.length; start += step) {
      assert.deepEqual(await answer(), answerOf(1));
      await appendFile(path('net.pt'), bytes.subarray(start, start + step));
      await sleep(settle / 3);
    }
    await swapped;
    assert.deepEqual(await answer(), answerOf(2));
    assert.deepEqual(outcomes, ['swap']);
  });

  it('fails for a writer that pauses, and swaps when it is done', async () => {
    await watch();
    const bytes = await bytesOf(2);
    const failed = next('failed');
    await writeFile(path('net.pt'), bytes.subarray(0, 1000));
    const [{ error }] = await failed;
    assert.equal((error as { code: string }).code, 'ERR_SEMISUP_SWAP_LOAD');
    assert.deepEqual(await answer(), answerOf(1));
    const swapped = next('swap');
    await appendFile(path('net.pt'), bytes.subarray(1000));
    await swapped;
    assert.deepEqual(await answer(), answerOf(2));
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('swaps once where a file is written twice in a row', async () => {
    await watch();
    const [second, third] = [await bytesOf(2), await bytesOf(3)];
    const swapped = next('swap');
    await writeFile(path('net.pt'), second);
    await sleep(settle / 5);
    await writeFile(path('net.pt'), third);
    await swapped;
    assert.deepEqual(await answer(), answerOf(3));
    await quiet();
    assert.deepEqual(outcomes, ['swap']);
  });

  it('goes on when the file is deleted, and swaps when it is there again', async () => {
    await watch();
    await rm(path('net.pt'));
    await quiet();
    assert.deepEqual(await answer(), answerOf(1));
    const swapped = next('swap');
    await write(2);
    await swapped;
    assert.deepEqual(await answer(), answerOf(2));
    assert.deepEqual(outcomes, ['swap']);
  });

  it('goes on when the file is damaged, says so once, and swaps when it is good again', async () => {
    await watch();
    const failed = next('failed');
    await writeFile(path('net.pt'), 'no model');
    const [{ error, source }] = await failed;
    assert.equal((error as { code: string }).code, 'ERR_SEMISUP_SWAP_LOAD');
    assert.equal(source, path('net.pt'));
    await quiet();
    assert.deepEqual(outcomes, ['failed']);
    assert.deepEqual(await answer(), answerOf(1));
    const swapped = next('swap');
    await write(2);
    await swapped;
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('swaps again and again', async () => {
    await watch({ settle: 30 });
    for (const scale of [2, 3, 4, 5]) {
      const swapped = next('swap');
      await (scale % 2 ? write(scale) : saveNet(path('net.pt'), scale));
      await swapped;
      assert.deepEqual(await answer(), answerOf(scale));
    }
  });

  it('notices what changed between the opening of the slot and now', async () => {
    slot = await ModelSlot.open(await saveNet(path('net.pt'), 1));
    await write(2);
    const swapped = next('swap');
    slot.watch({ settle });
    await swapped;
    assert.deepEqual(await answer(), answerOf(2));
  });

  it('is not misled by what leaves the content as it is, nor by other files', async () => {
    await watch();
    await chmod(path('net.pt'), 0o600);
    await saveNet(path('other.pt'), 2);
    await rename(path('net.pt'), path('away.pt'));
    await rename(path('away.pt'), path('net.pt'));
    await quiet();
    assert.deepEqual(outcomes, []);
  });

  it('swaps for another file of the same size and time', async () => {
    await watch();
    const then = new Date('2026-01-01');
    await saveNet(path('new.pt'), 2);
    await utimes(path('new.pt'), then, then);
    const first = next('swap');
    await rename(path('new.pt'), path('net.pt'));
    await first;
    await saveNet(path('new.pt'), 3);
    await utimes(path('new.pt'), then, then);
    const second = next('swap');
    await rename(path('new.pt'), path('net.pt'));
    await second;
    assert.deepEqual(await answer(), answerOf(3));
  });

  it('looks at the file itself where its folder tells nothing', async () => {
    await mkdir(path('a'));
    await mkdir(path('b'));
    await saveNet(join(path('a'), 'net.pt'), 1);
    await saveNet(join(path('b'), 'net.pt'), 2);
    await symlink(path('a'), path('current'));
    slot = await ModelSlot.open(join(path('current'), 'net.pt'));
    slot.watch({ settle });
    const swapped = next('swap');
    await symlink(path('b'), path('next'));
    await rename(path('next'), path('current'));
    await swapped;
    assert.deepEqual(await answer(), answerOf(2));
  });

  it('follows the file of the model that serves, whichever that is', async () => {
    await watch();
    await slot.swap(await saveNet(path('other.pt'), 2));
    await write(3);
    await quiet();
    assert.deepEqual(outcomes, ['swap']);
    const swapped = next('swap');
    await saveNet(path('other.pt'), 4);
    await swapped;
    assert.deepEqual(await answer(), answerOf(4));
    await slot.swap(() => makeNet(5));
    await saveNet(path('other.pt'), 6);
    await quiet();
    assert.deepEqual(await answer(), answerOf(5));
  });

  it('lets a swap that was asked for go first', async () => {
    await watch();
    const other = await saveNet(path('other.pt'), 2);
    const slow = slot.swap(other, {
      check: async () => {
        await write(3);
        await sleep(3 * settle);
      },
    });
    await slow;
    assert.deepEqual(await answer(), answerOf(2));
    await quiet();
    assert.deepEqual(outcomes, ['swap']);
  });

  it('comes back to its file where a swap that was asked for has failed', async () => {
    await watch();
    const swapped = next('swap');
    const failing = slot.swap(await saveNet(path('other.pt'), 2), {
      check: async () => {
        await write(3);
        await sleep(3 * settle);
        return false;
      },
    });
    await assert.rejects(failing, { code: 'ERR_SEMISUP_SWAP_CHECK' });
    await swapped;
    assert.deepEqual(await answer(), answerOf(3));
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('gives its own swap up for one that is asked for', async () => {
    let checking!: () => void;
    const begun = new Promise<void>((resolve) => (checking = resolve));
    const check = async () => {
      checking();
      await sleep(1000);
    };
    await watch({ check });
    await write(3);
    await begun;
    await slot.swap(await saveNet(path('other.pt'), 2));
    assert.deepEqual(await answer(), answerOf(2));
    await quiet();
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('swaps as its options say', async () => {
    await watch({ check: () => false });
    const failed = next('failed');
    await write(2);
    const [{ error }] = await failed;
    assert.equal((error as { code: string }).code, 'ERR_SEMISUP_SWAP_CHECK');
    const swapped = next('swap');
    slot.watch({ settle });
    await swapped;
  });

  it('ends with unwatch(), and with close()', async () => {
    await watch();
    slot.unwatch();
    slot.unwatch();
    await write(2);
    await quiet();
    assert.deepEqual(await answer(), answerOf(1));
    slot.watch({ settle });
    await slot.close();
    await write(3);
    await quiet();
    assert.deepEqual(outcomes, []);
    assert.throws(() => {
      slot.watch();
    }, /closed/);
  });

  it('refuses sources that are no files, and options that it does not know', async () => {
    slot = await ModelSlot.open(() => makeNet(1));
    assert.throws(() => {
      slot.watch();
    }, OptionError);
    await slot.swap(await saveNet(path('net.pt'), 1));
    for (const options of [{ settle: -1 }, { settle: '1s' }, { signal: 1 }, { warmup: 1.5 }]) {
      assert.throws(() => {
        slot.watch(options as never);
      }, OptionError);
    }
  });

  it('does not keep the process alive', async () => {
    slot = await ModelSlot.open(await saveNet(path('net.pt'), 1));
    const program = `
      require('./src/slot').ModelSlot.open(process.argv[1]).then((slot) => slot.watch());
    `;
    const { code, stderr } = await runNode(program, [path('net.pt')]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });
});
