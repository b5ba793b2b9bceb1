require('tsx/cjs');

/** @returns the numbers of tests, and the failures */
exports.runSuite = async (files) => {
  // An ES module, which Electron 28 cannot require.
  const { default: Mocha } = await import('mocha');
  const mocha = new Mocha({ timeout: 120_000, reporter: class {} });
  for (const file of files) mocha.addFile(file);
  const failures = [];
  return await new Promise((resolve) => {
    const runner = mocha.run(() => {
      const { passes, pending } = runner.stats;
      const { electron, node } = process.versions;
      resolve({ electron, node, passes, pending, failures });
    });
    runner.on('fail', (test, error) => {
      failures.push(`${test.fullTitle()}: ${error.stack ?? error}`);
    });
  });
};
