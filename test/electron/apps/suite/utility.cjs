const { runSuite } = require('./run-suite.cjs');

process.parentPort.once('message', async ({ data }) => {
  process.parentPort.postMessage(await runSuite(data));
});
