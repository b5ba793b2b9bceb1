import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lifecycleModels, prelude, run } from '../support/lifecycle';
import { saveSource } from '../support/slot-models';
import { root } from '../support/run-node';

const isLinux = process.platform === 'linux';

/** Opens an isolated classifier. An image that is white makes `loop.pt` run forever. */
const opening = `
  ${prelude}
  const { readdirSync, readFileSync } = require('node:fs');
  const open = (name, options) =>
    Classifier.open(file(name), { isolate: true, threads: 1, plan: 'interpreter', ...options });
  const openLoop = () => open('loop.pt', { classes: ['a', 'b'], transform: { resize: 4, crop: 4 } });
  const white = { data: Buffer.alloc(48, 255), width: 4, height: 4, channels: 3 };
  const black = { data: Buffer.alloc(48, 0), width: 4, height: 4, channels: 3 };
  /** Whether a process has ended. Node does not reap those of a worker that was terminated. */
  const hasEnded = (pid) => {
    try {
      process.kill(pid, 0);
      return process.platform === 'linux' && /^State:\\tZ/m.test(readFileSync('/proc/' + pid + '/status', 'utf8'));
    } catch {
      return true;
    }
  };
`;

describe('the process of an isolated model', function () {
  this.timeout(600_000);
  const models = lifecycleModels();
  before(async () => {
    await saveSource(
      join(models.directory, 'loop.pt'),
      `
def forward(self, x):
    n = 0
    if float(x.mean()) > 1:
        while n >= 0:
            n += 1
    return x.flatten(1)[:, :2] + float(n)
`,
    );
  });

  it('is closed at the end of a program', async () => {
    const program = `${opening}
      (async () => {
        const model = await open('one.pt');
        const { pid } = model.module;
        const [best] = await model.classify(square(4));
        await model.close();
        console.log(best.index, hasEnded(pid));
      })();`;
    const [output] = await run(program, { env: models.env, timeout: 120_000 });
    assert.equal(output, '1 true\n');
  });

  const test = isLinux ? it : it.skip;
  test('leaves no process and no handle after 20 opens and closes (needs /proc)', async () => {
    const program = `${opening}
      const openAndClose = async () => {
        const model = await open('one.pt');
        const [best] = await model.classify(square(4));
        if (best.index !== 1) throw new Error('wrong class');
        await model.close();
      };
      const handles = () => readdirSync('/proc/self/fd').length;
      const children = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8');
      (async () => {
        await openAndClose();
        const before = handles();
        const count = memory().tensors.count;
        for (let i = 0; i < 10; i++) await Promise.all([openAndClose(), openAndClose()]);
        console.log(JSON.stringify({
          children: children(),
          handles: Math.max(0, handles() - before),
          tensors: memory().tensors.count - count,
        }));
      })();`;
    const [output] = await run(program, { env: models.env, timeout: 580_000 });
    assert.deepEqual(JSON.parse(output!), { children: '', handles: 0, tensors: 0 });
  });

  it('ends with a worker thread that is terminated', async () => {
    const worker = `${opening}
      open('one.pt').then(async (model) => {
        const [best] = await model.classify(square(4));
        parentPort.postMessage({ index: best.index, pid: model.module.pid });
        setInterval(ignore, 1000);
      });`;
    const program = `${opening}
      (async () => {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
        const [{ index, pid }] = await once(worker, 'message');
        if (hasEnded(pid)) throw new Error('it has ended already');
        await worker.terminate();
        while (!hasEnded(pid)) await sleep(20);
        console.log(index, 'ended');
      })();`;
    const [output] = await run(program, { env: models.env, timeout: 120_000 });
    assert.equal(output, '1 ended\n');
  });

  describe('ends with its parent', () => {
    const endings: [string, string, [number | null, string | null]][] = [
      ['that is killed during an endless loop', `void model.classify(white);`, [null, 'SIGKILL']],
      ['that has nothing left to do', `await model.classify(black);`, [0, null]],
      [
        'that calls process.exit during an endless loop',
        `void model.classify(white); setTimeout(() => process.exit(3), 500);`,
        [3, null],
      ],
      [
        'that throws during an endless loop',
        `void model.classify(white); setTimeout(() => { throw new Error('thrown'); }, 500);`,
        [1, null],
      ],
    ];
    for (const [title, statements, expected] of endings) {
      it(title, async () => {
        const program = `${opening}
          (async () => {
            const model = await openLoop();
            ${statements}
            console.log(model.module.pid);
          })();`;
        const parent = spawn(process.execPath, ['--eval', program], {
          cwd: root,
          stdio: ['ignore', 'pipe', 'ignore'],
          env: models.env,
        });
        const exit = once(parent, 'exit');
        const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
        const pid = Number(chunk.toString());
        if (expected[1] !== null) {
          await sleep(500);
          process.kill(pid, 0);
          parent.kill('SIGKILL');
        }
        assert.deepEqual(await exit, expected);
        for (let waited = 0; isRunning(pid); waited += 20) {
          assert.ok(waited < 20_000, `process ${pid} still runs`);
          await sleep(20);
        }
      });
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
