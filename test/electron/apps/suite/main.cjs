// Runs mocha in the main process or in a utility process, and prints the result as JSON.
const { app, utilityProcess } = require('electron');
const { join } = require('node:path');
const { runSuite } = require('./run-suite.cjs');

const files = JSON.parse(process.env.SUITE_FILES);

app.whenReady().then(async () => {
  const result =
    process.env.SUITE_PROCESS === 'main' ? await runSuite(files) : await runInUtility();
  process.stdout.write(`${JSON.stringify(result)}\n`, () => app.quit());
});

function runInUtility() {
  const child = utilityProcess.fork(join(__dirname, 'utility.cjs'));
  child.postMessage(files);
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`The utility process exited with ${code}.`)));
  });
}
