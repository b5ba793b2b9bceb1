// The entry with ELECTRON_RUN_AS_NODE.
const { runSuite } = require('./run-suite.cjs');

runSuite(JSON.parse(process.env.SUITE_FILES)).then((result) => {
  process.stdout.write(`${JSON.stringify(result)}\n`);
});
