import assert from 'node:assert/strict';
import { checkMainThread, lifecycleModels, prelude, run } from '../support/lifecycle';
import { lifeStages, type LifeStage } from '../support/life-stages';

const announce = `parentPort.postMessage('ends');`;

/** How a worker ends: what it does, then what the main thread does. */
const endings = {
  'worker.terminate()': [announce, `await once(worker, 'message'); await worker.terminate();`],
  'process.exit in the worker': ['process.exit(0);', `await once(worker, 'exit');`],
} as const;

/** A worker that enters the stage and then runs the statements. */
const startWorker = (stage: LifeStage, statements: string) => `
  const worker = new Worker(${JSON.stringify(
    `${prelude} const end = () => { ${statements} }; ${lifeStages[stage]}`,
  )}, { eval: true });`;

const main = (statements: string) => `${prelude} (async () => { ${statements} })();`;

describe('a worker', function () {
  this.timeout(120_000);
  const models = lifecycleModels();

  for (const stage of Object.keys(lifeStages) as LifeStage[]) {
    it(`ends ${stage}, and the main thread continues`, async () => {
      const rounds = Object.values(endings).map(
        ([statements, wait]) => `{ ${startWorker(stage, statements)} ${wait} } ${checkMainThread}`,
      );
      await run(main(rounds.join('\n').repeat(2)), { env: models.env });
    });
  }

  it('ends by itself once its models have no work', async () => {
    const [output] = await run(
      main(`
        ${startWorker('with an idle model', '')}
        console.log((await once(worker, 'exit'))[0]);
        ${checkMainThread}`),
      { env: models.env },
    );
    assert.equal(output, '0\n');
  });

  it('ends because of an uncaught exception while its model runs', async () => {
    const [output] = await run(
      main(`
        ${startWorker('with queued forward passes', `throw new RangeError('from the worker');`)}
        const [error] = await once(worker, 'error');
        console.log(error.name, error.message);
        ${checkMainThread}`),
      { env: models.env },
    );
    assert.equal(output, 'RangeError from the worker\n');
  });

  it('runs a model while the main thread calls process.exit', async () => {
    for (const stage of ['while LibTorch is opened', 'with queued forward passes'] as const) {
      const program = main(
        `${startWorker(stage, announce)} await once(worker, 'message'); process.exit(3);`,
      );
      await run(program, { env: models.env, code: 3, times: 3 });
    }
  });

  it('releases its memory when it is terminated while its model runs', async function () {
    if (process.platform !== 'linux') {
      this.test!.title += ' (skipped: only Linux reports the resident memory exactly)';
      this.skip();
    }
    const [output] = await run(
      main(`
        const round = async () => {
          ${startWorker(
            'with an idle model',
            `ScriptModule.load(file('resnet18.pt')).then((net) => {
            net.forward(Tensor.from(new Float32Array(3 * 64 * 64), [1, 3, 64, 64])).catch(ignore);
            ${announce}
          });`,
          )}
          await once(worker, 'message');
          await worker.terminate();
        };
        const resident = [];
        for (let i = 0; i < 5; i++) {
          for (let j = 0; j < 4; j++) await round();
          resident.push(process.memoryUsage.rss());
        }
        ${checkMainThread}
        console.log(JSON.stringify(resident));`),
      { env: models.env, timeout: 60_000 },
    );
    const resident = JSON.parse(output!) as number[];
    const growth = (resident.at(-1)! - resident[1]!) / 12;
    // A leak of the weights would be 47 MB per worker. Up to three models may not have been freed yet.
    assert.ok(growth < 15e6, `${growth} bytes are left per worker: ${resident.join()}`);
  });
});
