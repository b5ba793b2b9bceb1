// Starts utility processes one after the other, each of which classifies images, and prints the sum as JSON.
const { app, utilityProcess } = require('electron');
const { join } = require('node:path');

const calls = Number(process.env.SOAK_CALLS);
const restarts = Number(process.env.SOAK_RESTARTS);

app.whenReady().then(async () => {
  let completed = 0;
  let last;
  for (let i = 0; i < restarts; i++) {
    last = await runOnce();
    completed += last.completed;
  }
  process.stdout.write(`${JSON.stringify({ ...last, completed })}\n`, () => app.quit());
});

function runOnce() {
  const child = utilityProcess.fork(join(__dirname, 'utility.cjs'));
  child.postMessage(calls);
  return new Promise((resolve, reject) => {
    let result;
    child.once('message', (message) => {
      result = message;
      child.postMessage('exit');
    });
    child.once('exit', (code) => {
      if (code === 0 && result) resolve(result);
      else {
        console.error(`The utility process exited with ${code}.`);
        reject(new Error(`exit code ${code}`));
      }
    });
  });
}
