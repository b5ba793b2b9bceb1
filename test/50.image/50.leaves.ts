import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadLeavesImages } from '../../src/image';
import { skipIfEmulated } from '../support/emulated';

describe('dead-leaves images', () => {
  it('are deterministic, and differ from each other', async () => {
    const [first, second] = [await deadLeavesImages(3), await deadLeavesImages(2)];
    assert.deepEqual(first.slice(0, 2), second);
    assert.notDeepEqual(first[0]!.data, first[1]!.data);
    assert.notDeepEqual(first[1]!.data, first[2]!.data);
    assert.deepEqual(await deadLeavesImages(0), []);
  });

  it('are RGB images of 256 x 256 pixels', async () => {
    for (const { data, width, height, channels, cmyk } of await deadLeavesImages(2)) {
      assert.deepEqual([width, height, channels, cmyk], [256, 256, 3, undefined]);
      assert.equal(data.length, width * height * channels);
    }
  });

  it('have intensities distributed as in photos', async () => {
    for (const { data } of await deadLeavesImages(8)) {
      for (let channel = 0; channel < 3; channel++) {
        const { mean, deviation } = statistics(data.filter((_, i) => i % 3 === channel));
        assert.ok(mean > 40 && mean < 150, `mean ${mean}`);
        assert.ok(deviation > 40 && deviation < 115, `deviation ${deviation}`);
      }
      assert.ok(new Set(data).size > 240);
    }
  });

  it('have nearby pixels that are correlated, as in photos', async () => {
    for (const { data, width } of await deadLeavesImages(4)) {
      const [near, far] = [meanDifference(data, 3), meanDifference(data, (3 * width) / 4)];
      assert.ok(near * 2 < far, `difference ${near} of adjacent pixels, ${far} of distant pixels`);
      assert.ok(near > 2, 'adjacent pixels do not differ');
    }
  });

  it('are generated without blocking the event loop', async function () {
    skipIfEmulated(this);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    await deadLeavesImages(1);
    delay.enable();
    await sleep(30);
    delay.reset();
    await deadLeavesImages(8);
    await sleep(5);
    delay.disable();
    assert.ok(delay.percentile(75) < 50e6, `${delay.percentile(75) / 1e6} ms`);
  });
});

function statistics(levels: Uint8Array): { mean: number; deviation: number } {
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  const variance = levels.reduce((sum, level) => sum + (level - mean) ** 2, 0) / levels.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** The mean absolute difference of samples that are `offset` apart. */
function meanDifference(data: Uint8Array, offset: number): number {
  const pairs = data.length - offset;
  let sum = 0;
  for (let i = 0; i < pairs; i++) sum += Math.abs(data[i]! - data[i + offset]!);
  return sum / pairs;
}
