import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadLeavesImages } from '../../src/image';

describe('fallen leaves', () => {
  it('are always the same, and each another picture', async () => {
    const [first, second] = [await deadLeavesImages(3), await deadLeavesImages(2)];
    assert.deepEqual(first.slice(0, 2), second);
    assert.notDeepEqual(first[0]!.data, first[1]!.data);
    assert.notDeepEqual(first[1]!.data, first[2]!.data);
    assert.deepEqual(await deadLeavesImages(0), []);
  });

  it('are colour pictures that a transform can crop', async () => {
    for (const { data, width, height, channels, cmyk } of await deadLeavesImages(2)) {
      assert.deepEqual([width, height, channels, cmyk], [256, 256, 3, undefined]);
      assert.equal(data.length, width * height * channels);
    }
  });

  it('have the levels of photos: all that there are, neither dark nor flat', async () => {
    for (const { data } of await deadLeavesImages(8)) {
      for (let channel = 0; channel < 3; channel++) {
        const { mean, deviation } = spread(data.filter((_, i) => i % 3 === channel));
        assert.ok(mean > 40 && mean < 150, `mean ${mean}`);
        assert.ok(deviation > 40 && deviation < 115, `deviation ${deviation}`);
      }
      assert.ok(new Set(data).size > 240);
    }
  });

  it('are as photos alike at near places, and unlike at far ones', async () => {
    for (const { data, width } of await deadLeavesImages(4)) {
      const [near, far] = [difference(data, 3), difference(data, (3 * width) / 4)];
      assert.ok(near * 2 < far, `${near} beside, ${far} far away`);
      assert.ok(near > 2, 'nothing is speckled');
    }
  });

  it('do not hold the event loop', async () => {
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

function spread(levels: Uint8Array): { mean: number; deviation: number } {
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  const variance = levels.reduce((sum, level) => sum + (level - mean) ** 2, 0) / levels.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** Between samples that lie so far from each other, on average. */
function difference(data: Uint8Array, offset: number): number {
  const pairs = data.length - offset;
  let sum = 0;
  for (let i = 0; i < pairs; i++) sum += Math.abs(data[i]! - data[i + offset]!);
  return sum / pairs;
}
