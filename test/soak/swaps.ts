import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SemisupError } from '../../src';
import type { Context } from './requests';

interface SwapLoad extends Context {
  /** A file that is not TorchScript. */
  readonly corrupt: string;
  readonly stop: () => boolean;
  readonly onOutcome: (outcome: string) => void;
  readonly onFailure: (name: string, error: unknown) => void;
}

/** Swaps the models of the slot in turn; some swaps must fail, and leave the model in place. */
export async function swapRepeatedly(load: SwapLoad): Promise<void> {
  const { slot, models, corrupt, random, stop, onOutcome, onFailure } = load;
  for (let i = 1; !stop(); i++) {
    try {
      await slot.swap(models[i % 2]!);
      onOutcome('swap: done');
      await assertCode(slot.swap(corrupt), /ERR_SEMISUP_SWAP_LOAD/);
      await assertCode(slot.swap(models[0], { timeout: 1 + random.below(20) }), /SWAP_TIMEOUT/);
      const superseded = assertCode(slot.swap(models[0]), /SWAP_SUPERSEDED/);
      await Promise.all([superseded, slot.swap(models[i % 2]!)]);
      onOutcome('swap: failed as expected');
    } catch (error) {
      onFailure('swap', error);
    }
    await sleep(random.below(2_000));
  }
}

async function assertCode(swap: Promise<unknown>, code: RegExp): Promise<void> {
  await assert.rejects(swap, (error: SemisupError) => code.test(error.code));
}
