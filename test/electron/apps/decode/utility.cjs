const { decodeMany } = require('./decode-many.cjs');

process.parentPort.once('message', async ({ data }) => {
  process.parentPort.postMessage(await decodeMany(data));
});
