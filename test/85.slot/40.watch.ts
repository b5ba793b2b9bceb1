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
import { outputOf, makeNet, ones, saveNet } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

/** In milliseconds. */
const settle = 150;

describe('ModelSlot.watch', () => {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const bytesOf = async (scale: number) =>
    readFile(await saveNet(path(`bytes-${scale}.pt`), scale));
  /** Overwrites the file in place with a net. */
  const write = async (scale: number) => {
    await writeFile(path('net.pt'), await bytesOf(scale));
  };

  let slot: ModelSlot;
  /** The outcomes of the swaps, in order. */
  let outcomes: string[];
  const watch = async (options: WatchOptions = {}) => {
    slot = await ModelSlot.open(await saveNet(path('net.pt'), 1));
    outcomes = [];
    slot.on('swap', () => outcomes.push('swap')).on('failed', () => outcomes.push('failed'));
    slot.watch({ settle, ...options });
  };
  const next = (event: 'swap' | 'failed') =>
    once(slot as EventEmitter, event) as Promise<[SwapFailure]>;
  const outputOfSlot = async () => {
    using input = ones();
    using output = await slot.forward(input);
    return await output.data();
  };
  /** Waits longer than it takes to detect a change. */
  const waitForChanges = () => sleep(3 * settle);
  afterEach(() => slot.close());

  it('swaps when the file is replaced by a rename', async () => {
    await watch();
    await saveNet(path('new.pt'), 2);
    const swapped = next('swap');
    await rename(path('new.pt'), path('net.pt'));
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(2));
    await waitForChanges();
    assert.deepEqual(outcomes, ['swap']);
    assert.equal(slot.source, path('net.pt'));
  });

  it('swaps when the file is rewritten in place', async () => {
    await watch();
    const swapped = next('swap');
    await write(2);
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(2));
  });

  it('waits until a slow write is complete', async () => {
    await watch();
    const bytes = await bytesOf(2);
    const swapped = next('swap');
    await writeFile(path('net.pt'), '');
    const step = Math.ceil(bytes.length / 10);
    for (let start = 0; start < bytes.length; start += step) {
      assert.deepEqual(await outputOfSlot(), outputOf(1));
      await appendFile(path('net.pt'), bytes.subarray(start, start + step));
      await sleep(settle / 3);
    }
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(2));
    assert.deepEqual(outcomes, ['swap']);
  });

  it('fails if a write pauses, and swaps when it is complete', async () => {
    await watch();
    const bytes = await bytesOf(2);
    const failed = next('failed');
    await writeFile(path('net.pt'), bytes.subarray(0, 1000));
    const [{ error }] = await failed;
    assert.equal((error as { code: string }).code, 'ERR_SEMISUP_SWAP_LOAD');
    assert.deepEqual(await outputOfSlot(), outputOf(1));
    const swapped = next('swap');
    await appendFile(path('net.pt'), bytes.subarray(1000));
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(2));
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('swaps once if the file is written twice in quick succession', async () => {
    await watch();
    const [second, third] = [await bytesOf(2), await bytesOf(3)];
    const swapped = next('swap');
    await writeFile(path('net.pt'), second);
    await sleep(settle / 5);
    await writeFile(path('net.pt'), third);
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(3));
    await waitForChanges();
    assert.deepEqual(outcomes, ['swap']);
  });

  it('keeps watching a deleted file, and swaps when it exists again', async () => {
    await watch();
    await rm(path('net.pt'));
    await waitForChanges();
    assert.deepEqual(await outputOfSlot(), outputOf(1));
    const swapped = next('swap');
    await write(2);
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(2));
    assert.deepEqual(outcomes, ['swap']);
  });

  it('fails once for a damaged file, and swaps when it is valid again', async () => {
    await watch();
    const failed = next('failed');
    await writeFile(path('net.pt'), 'not a model');
    const [{ error, source }] = await failed;
    assert.equal((error as { code: string }).code, 'ERR_SEMISUP_SWAP_LOAD');
    assert.equal(source, path('net.pt'));
    await waitForChanges();
    assert.deepEqual(outcomes, ['failed']);
    assert.deepEqual(await outputOfSlot(), outputOf(1));
    const swapped = next('swap');
    await write(2);
    await swapped;
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('swaps repeatedly', async () => {
    await watch({ settle: 30 });
    for (const scale of [2, 3, 4, 5]) {
      const swapped = next('swap');
      await (scale % 2 ? write(scale) : saveNet(path('net.pt'), scale));
      await swapped;
      assert.deepEqual(await outputOfSlot(), outputOf(scale));
    }
  });

  it('detects a change that was made before the watch started', async () => {
    slot = await ModelSlot.open(await saveNet(path('net.pt'), 1));
    await write(2);
    const swapped = next('swap');
    slot.watch({ settle });
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(2));
  });

  it('ignores changes that preserve the content, and other files', async () => {
    await watch();
    await chmod(path('net.pt'), 0o600);
    await saveNet(path('other.pt'), 2);
    await rename(path('net.pt'), path('away.pt'));
    await rename(path('away.pt'), path('net.pt'));
    await waitForChanges();
    assert.deepEqual(outcomes, []);
  });

  it('detects another file of the same size and modification time', async () => {
    await watch();
    const time = new Date('2026-01-01');
    await saveNet(path('new.pt'), 2);
    await utimes(path('new.pt'), time, time);
    const first = next('swap');
    await rename(path('new.pt'), path('net.pt'));
    await first;
    await saveNet(path('new.pt'), 3);
    await utimes(path('new.pt'), time, time);
    const second = next('swap');
    await rename(path('new.pt'), path('net.pt'));
    await second;
    assert.deepEqual(await outputOfSlot(), outputOf(3));
  });

  it('detects that a parent directory is replaced through a symbolic link', async () => {
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
    assert.deepEqual(await outputOfSlot(), outputOf(2));
  });

  it('watches the file of the active model', async () => {
    await watch();
    await slot.swap(await saveNet(path('other.pt'), 2));
    await write(3);
    await waitForChanges();
    assert.deepEqual(outcomes, ['swap']);
    const swapped = next('swap');
    await saveNet(path('other.pt'), 4);
    await swapped;
    assert.deepEqual(await outputOfSlot(), outputOf(4));
    await slot.swap(() => makeNet(5));
    await saveNet(path('other.pt'), 6);
    await waitForChanges();
    assert.deepEqual(await outputOfSlot(), outputOf(5));
  });

  it('does not interrupt an explicit swap', async () => {
    await watch();
    const other = await saveNet(path('other.pt'), 2);
    const slow = slot.swap(other, {
      check: async () => {
        await write(3);
        await sleep(3 * settle);
      },
    });
    await slow;
    assert.deepEqual(await outputOfSlot(), outputOf(2));
    await waitForChanges();
    assert.deepEqual(outcomes, ['swap']);
  });

  it('swaps to its changed file after an explicit swap failed', async () => {
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
    assert.deepEqual(await outputOfSlot(), outputOf(3));
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('aborts its swap for an explicit one', async () => {
    let checking!: () => void;
    const started = new Promise<void>((resolve) => (checking = resolve));
    const check = async () => {
      checking();
      await sleep(1000);
    };
    await watch({ check });
    await write(3);
    await started;
    await slot.swap(await saveNet(path('other.pt'), 2));
    assert.deepEqual(await outputOfSlot(), outputOf(2));
    await waitForChanges();
    assert.deepEqual(outcomes, ['failed', 'swap']);
  });

  it('passes its options to the swap', async () => {
    await watch({ check: () => false });
    const failed = next('failed');
    await write(2);
    const [{ error }] = await failed;
    assert.equal((error as { code: string }).code, 'ERR_SEMISUP_SWAP_CHECK');
    const swapped = next('swap');
    slot.watch({ settle });
    await swapped;
  });

  it('stops on unwatch() and close()', async () => {
    await watch();
    slot.unwatch();
    slot.unwatch();
    await write(2);
    await waitForChanges();
    assert.deepEqual(await outputOfSlot(), outputOf(1));
    slot.watch({ settle });
    await slot.close();
    await write(3);
    await waitForChanges();
    assert.deepEqual(outcomes, []);
    assert.throws(() => {
      slot.watch();
    }, /closed/);
  });

  it('rejects sources that are not files, and invalid options', async () => {
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
