// Decodes images in the main process or in a utility process, and prints the result as JSON.
const { app, utilityProcess } = require('electron');
const { join } = require('node:path');
const { decodeMany } = require('./decode-many.cjs');

const count = Number(process.env.DECODE_COUNT);

app.whenReady().then(async () => {
  const isMain = process.env.DECODE_PROCESS === 'main';
  const result = isMain ? await decodeMany(count) : await decodeInUtility();
  process.stdout.write(`${JSON.stringify(result)}\n`, () => app.quit());
});

function decodeInUtility() {
  const child = utilityProcess.fork(join(__dirname, 'utility.cjs'));
  child.postMessage(count);
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`The utility process exited with ${code}.`)));
  });
}
