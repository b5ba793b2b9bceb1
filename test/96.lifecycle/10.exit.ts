import { lifecycleModels, prelude, run, type Ending } from '../support/lifecycle';
import { lifeStages, type LifeStage } from '../support/life-stages';

/** Statements that end a process, and how it then ends. */
const endings: Record<string, Ending & { readonly statements: string }> = {
  'process.exit(0)': { statements: 'process.exit(0);' },
  'process.exit(3)': { statements: 'process.exit(3);', code: 3 },
  'an uncaught exception': {
    statements: `setImmediate(() => { throw new Error('from the program'); });`,
    code: 1,
    stderr: /\nError: from the program\n[^]*\nNode\.js v\d+/,
  },
  'an unhandled rejection': {
    statements: `Promise.reject(new Error('from the program'));`,
    code: 1,
    stderr: /\nError: from the program\n[^]*\nNode\.js v\d+/,
  },
  SIGTERM: { statements: `process.kill(process.pid, 'SIGTERM');`, signal: 'SIGTERM' },
  SIGINT: { statements: `process.kill(process.pid, 'SIGINT');`, signal: 'SIGINT' },
  'process.exit in a SIGTERM handler': {
    statements: `
      const timer = setInterval(ignore, 1000);
      process.on('SIGTERM', () => process.exit(5));
      process.kill(process.pid, 'SIGTERM');`,
    code: 5,
  },
  'process.exitCode and no more work': { statements: 'process.exitCode = 4;', code: 4 },
  "process.exit in an 'exit' listener": {
    statements: `process.on('exit', () => process.exit(6)); process.exit(0);`,
    code: 6,
  },
  "process.exit in a 'beforeExit' listener": {
    statements: `process.once('beforeExit', () => process.exit(7));`,
    code: 7,
  },
  "process.exit without 'exit' listeners": {
    statements: 'process.removeAllListeners(); process.exit(0);',
  },
  'process.reallyExit': { statements: 'process.reallyExit(8);', code: 8 },
};

const program = (stage: LifeStage, statements: string) =>
  `${prelude} const end = () => { ${statements} }; ${lifeStages[stage]}`;

/** The fastest ending and one that runs all of Node's cleanup. */
const usualEndings = ['process.exit(3)', 'an uncaught exception'];

const busyStages: LifeStage[] = ['while LibTorch is opened', 'with queued forward passes'];

describe('a process', function () {
  this.timeout(120_000);
  const models = lifecycleModels();

  for (const stage of Object.keys(lifeStages) as LifeStage[]) {
    it(`ends cleanly ${stage}`, async () => {
      for (const name of usualEndings) {
        const { statements, ...ending } = endings[name]!;
        await run(program(stage, statements), { ...ending, env: models.env });
      }
    });
  }

  for (const [name, { statements, ...ending }] of Object.entries(endings)) {
    it(`ends as expected by ${name}`, async () => {
      for (const stage of busyStages) {
        await run(program(stage, statements), { ...ending, env: models.env });
      }
    });
  }

  it("ends cleanly if an earlier 'exit' listener calls process.exit, or throws", async () => {
    const busy = program('with queued forward passes', 'process.exit(3);');
    const listen = (statements: string) => `process.on('exit', () => { ${statements} });`;
    await run(listen('process.exit(9);') + busy, { code: 9, env: models.env, times: 3 });
    await run(listen(`throw new Error('from the listener');`) + busy, {
      code: 3,
      stderr: /Error: from the listener/,
      env: models.env,
      times: 3,
    });
  });

  it("can run a model in an 'exit' listener", async () => {
    const [output] = await run(
      `${prelude}
      ScriptModule.load(file('net.pt')).then((net) => {
        process.on('exit', () => console.log(net.forwardSync(ones()).dataSync()[0]));
        process.exit();
      });`,
      { env: models.env },
    );
    if (output !== '21\n') throw new Error(`received ${output}`);
  });

  it('is kept alive by pending work, but not by idle models or unreferenced timers', async () => {
    const [output] = await run(
      `${prelude}
      setInterval(ignore, 1000).unref();
      Promise.all([ScriptModule.load(file('net.pt')), Classifier.open(file('one.pt'))])
        .then(([net]) => net.forward(ones()))
        .then((output) => console.log(output.dataSync()[0]));`,
      { env: models.env },
    );
    if (output !== '21\n') throw new Error(`received ${output}`);
  });
});
