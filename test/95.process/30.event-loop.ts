import assert from 'node:assert/strict';
import { join } from 'node:path';
import { generatedWeights } from '../support/generated-weights';
import { root, runNode } from '../support/run-node';

/**
 * The maximum delay, in milliseconds. It distinguishes a blocked event loop (hundreds of milliseconds)
 * from one that waits for a busy core. docs/event-loop.md lists the delays of an idle machine.
 */
const maxDelay = 150;

const program = `
  const { monitorEventLoopDelay } = require('node:perf_hooks');
  const { setTimeout: sleep } = require('node:timers/promises');
  const { hub } = require('./src');
  // docs/event-loop.md: loading it blocks the event loop once.
  require('sharp');
  const [weights, image] = process.argv.slice(1);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  (async () => {
    const longest = {};
    const measure = async (name, work) => {
      // The monitor does not record what blocks before its first tick.
      delay.enable();
      await sleep(30);
      delay.reset();
      await sleep(5);
      const answer = await work();
      await sleep(5);
      delay.disable();
      longest[name] = delay.max / 1e6;
      return answer;
    };
    const model = await measure('load', () => hub.load('resnet18_swsl', { weights }));
    await measure('classify', () => model.classify(Array(24).fill(image)));
    await measure('close', () => model.close());
    console.log(JSON.stringify(longest));
  })();
`;

describe('the event loop', function () {
  this.timeout(120_000);
  const generated = generatedWeights();

  it('is not blocked while a model is built, loaded, run and closed', async () => {
    const image = join(root, 'examples', 'clock.jpg');
    const { code, stdout, stderr } = await runNode(program, [generated.weights, image]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const longest = JSON.parse(stdout) as Record<string, number>;
    for (const [step, delay] of Object.entries(longest)) {
      assert.ok(delay < maxDelay, `${step} blocked the event loop for ${delay} ms`);
    }
  });
});
