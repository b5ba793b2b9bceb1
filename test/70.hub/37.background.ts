import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Classifier, memory } from '../../src';
import { hub } from '../../src/hub';
import { card } from '../../src/models';
import { openEngine } from '../../src/native';
import type { Plan } from '../../src/torch';
import { temporaryEnvironment } from '../support/environment';
import { generatedWeights } from '../support/generated-weights';
import { publishCheckpoint, type Origin } from '../support/published-checkpoint';
import { root, runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const name = 'resnet18_swsl';
const clock = join(root, 'examples', 'clock.jpg');

describe('tuning in the background of hub.load', function () {
  // Other processes may leave few idle cores.
  this.timeout(300_000);
  const directory = temporaryDirectory();
  const generated = generatedWeights();
  temporaryEnvironment(() => ({ SEMISUP_OFFLINE: '1' }));
  const published = { ...card(name).origin };
  let hubDir: string;
  let origin: Origin;

  before(function () {
    if (openEngine().instructionSet !== 'none') return;
    this.test!.parent!.title += ' (skipped: this processor has no kernels)';
    this.skip();
  });
  beforeEach(async () => {
    hubDir = join(directory.path, 'hub');
    ({ origin } = await publishCheckpoint(name, generated.weights, hubDir));
  });
  afterEach(() => {
    Object.assign(card(name).origin, published);
  });

  const compiledFiles = async () =>
    (await readdir(join(hubDir, 'checkpoints'))).filter((file) => file.endsWith('.semisup'));

  it('answers before it ends, then replaces the model and frees the first one', async () => {
    const before = memory();
    await using model = await hub.load(name, { hubDir });
    const changed = once(model, 'plan') as Promise<[Plan]>;
    const { kind, reason } = model.plan;
    assert.deepEqual(
      [kind, reason],
      ['planned', 'Its algorithms are being tuned in the background.'],
    );
    const early = await (await model.logits(clock)).data();
    assert.equal(model.plan.kind, 'planned');
    assert.deepEqual(await compiledFiles(), []);
    const [plan] = await changed;
    assert.equal(plan.kind, 'compiled');
    assert.deepEqual(await model.whenTuned(), plan);
    const late = await (await model.logits(clock)).data();
    const scale = Math.max(...early.map(Math.abs));
    for (const [i, logit] of late.entries()) assert.ok(Math.abs(logit - early[i]!) < 1e-5 * scale);
    assert.equal(memory().modules.bytes, before.modules.bytes);
    assert.equal(memory().mappedFiles.count, before.mappedFiles.count + 1);
  });

  it('computes on threads that yield to all others', async function () {
    if (process.platform !== 'linux') {
      this.test!.title += ' (skipped: needs /proc)';
      this.skip();
    }
    // Of each thread: field 41 of its status, 5 for SCHED_IDLE (proc_pid_stat(5)).
    const idleThreads = async () => {
      const threads = await readdir('/proc/self/task');
      const texts = await Promise.all(
        threads.map((id) => readFile(`/proc/self/task/${id}/stat`, 'utf8').catch(() => '')),
      );
      return texts.filter((text) => text.split(') ').at(-1)!.split(' ')[38] === '5').length;
    };
    assert.equal(await idleThreads(), 0);
    await using model = await hub.load(name, { hubDir, threads: 2 });
    let count = 0;
    while (count < 2 && model.isTuning) {
      await sleep(20);
      count = await idleThreads();
    }
    assert.ok(count >= 2, `${count} threads`);
  });

  it('loses no call when it replaces the model', async () => {
    await using model = await hub.load(name, { hubDir });
    let calls = 0;
    const call = async () => {
      // Calls slow the tuning down.
      const end = performance.now() + 1000;
      while (performance.now() < end || model.plan.kind !== 'compiled') {
        if (performance.now() > end) await sleep(500);
        const [rows, predictions] = await Promise.all([
          model.embed([clock, clock]),
          model.classify(clock),
        ]);
        assert.deepEqual([rows.length, predictions.length], [2, 5]);
        calls++;
      }
    };
    await Promise.all([call(), call(), model.whenTuned()]);
    assert.ok(calls > 1);
    assert.equal((await model.classify(clock)).length, 5);
  });

  it('compiles a model that is loaded several times once', async () => {
    const models = await Promise.all([1, 2, 3].map(() => hub.load(name, { hubDir })));
    const plans = await Promise.all(models.map((model) => model.whenTuned()));
    // Each compilation measures other times.
    for (const plan of plans) assert.deepEqual(plan, plans[0]);
    for (const model of models) await model.close();
  });

  it('is what compile waits for, which then copies the file', async () => {
    await using model = await hub.load(name, { hubDir });
    const path = await model.compile(join(directory.path, 'copy.semisup'));
    await using copy = await Classifier.open(path);
    assert.deepEqual(copy.plan.measured, model.plan.measured);
  });

  it('ends when the model is closed, without leaving anything', async () => {
    const before = memory();
    for (const delay of [0, 100, 500]) {
      const model = await hub.load(name, { hubDir });
      await sleep(delay);
      await model.close();
      assert.notEqual((await model.whenTuned()).kind, 'compiled');
      assert.equal(memory().modules.count, before.modules.count);
    }
    assert.deepEqual(await compiledFiles(), []);
    await using model = await hub.load(name, { hubDir });
    assert.equal((await model.whenTuned()).kind, 'compiled');
  });

  it('does not delay the close of a model that waits for its turn', async () => {
    await using first = await hub.load(name, { hubDir });
    const second = await hub.load(name, { hubDir, precision: 'int8' });
    await sleep(1500);
    await second.close();
    assert.equal(first.isTuning, true);
  });

  it('lets close() give up on the calls of the model that was replaced', async () => {
    const model = await hub.load(name, { hubDir, plan: 'untuned' });
    const replaced = once(model, 'plan');
    const call = model.classify(Array(2000).fill(clock)).catch((error: unknown) => error);
    model.tuneInBackground(() => hub.load(name, { hubDir, plan: 'untuned' }));
    await replaced;
    await assert.rejects(model.close({ timeout: 100 }), { code: 'ERR_SEMISUP_TIMEOUT' });
    assert.match(
      ((await call) as { code: string }).code,
      /^ERR_SEMISUP_(TIMEOUT|CANCELED|DISPOSED)$/,
    );
  });

  it('warns if it fails, and the model goes on', async () => {
    await using model = await hub.load(name, { hubDir, plan: 'untuned' });
    const warned = once(process, 'warning') as Promise<[Error & { code: string }]>;
    model.tuneInBackground(() => Promise.reject(new Error('no memory')));
    const [{ code, message }] = await warned;
    assert.equal(code, 'SEMISUP_TUNING');
    assert.match(message, /resnet18_swsl stays untuned.*no memory/);
    assert.equal((await model.whenTuned()).kind, 'planned');
    assert.equal((await model.classify(clock)).length, 5);
  });

  const program = (rest: string) => `
    const { hub } = require('./src/hub');
    Object.assign(require('./src/models').card('${name}').origin, ${JSON.stringify(origin)});
    hub.load('${name}', { hubDir: ${JSON.stringify(hubDir)} }).then(async (model) => {
      await model.classify(${JSON.stringify(clock)});
      console.log(model.plan.kind);
      ${rest}
    });`;

  it('keeps a process alive, so that its next start is fast', async () => {
    for (const kind of ['planned', 'compiled']) {
      const { code, stdout, stderr } = await runNode(program(''));
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${kind}\n`, stderr: '' });
      assert.equal((await compiledFiles()).length, 1);
    }
  });

  it('ends with the process, and what it leaves is removed', async () => {
    for (const end of ['process.exit();', 'setTimeout(() => process.exit(), 1500);']) {
      const { code, stderr } = await runNode(program(end));
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    }
    await hub.prepare([name], { hubDir });
    const files = await readdir(join(hubDir, 'checkpoints'));
    assert.deepEqual(
      files.filter((file) => file.includes('.semisup.')),
      [],
    );
    assert.equal((await compiledFiles()).length, 1);
  });
});
