const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..', '..', '..', '..');

process.parentPort.on('message', async ({ data }) => {
  if (data === 'exit') process.exit();
  const { hub } = require(root);
  const clock = readFileSync(join(root, 'examples', 'clock.jpg'));
  const megabytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
  const model = await hub.load('resnet50_baseline');
  let completed = 0;
  let before = 0;
  for (let i = 0; i < data; i++) {
    const [best] = await model.classify(clock, { topk: 1 });
    if (best.label === 'wall clock') completed++;
    if (i === Math.floor(data / 10)) before = megabytes();
  }
  const after = megabytes();
  // With many restarts, a call is in flight when the process exits.
  if (data < 10) void model.classify(clock).catch(() => undefined);
  process.parentPort.postMessage({ completed, before, after });
});
