import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Classifier } from '../../src/classify';
import { openDataset, type Dataset } from '../../src/dataset';
import { EvaluationError, LockError } from '../../src/errors';
import { evaluate } from '../../src/evaluate';
import { colors, openColorModel, saveColor, saveColorModel } from '../support/color-model';
import { Random } from '../support/random';
import { root, typescript } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const kills = Number(process.env.SEMISUP_TEST_KILLS ?? 8);

describe('an evaluation with a file of results', function () {
  this.timeout(240_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const results = () => path('out/results.jsonl');
  let model: Classifier;

  beforeEach(async () => {
    model = await openColorModel(await saveColorModel(path('colors.pt')));
    for (let i = 0; i < 100; i++) {
      for (const color of colors) {
        await saveColor(path(`val/${color}/${i}.png`), i % 10 === 0 ? 'blue' : color);
      }
    }
  });
  afterEach(async () => {
    await model.close();
  });

  const start = async () => {
    const script = join(__dirname, '../support/children/slow-evaluation.ts');
    const args = [script, path('colors.pt'), path('val'), results()];
    const child = spawn(process.execPath, ['--require', typescript, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child.stdout, 'data');
    return { child, closed: once(child, 'close'), output: () => output };
  };

  const sizeOfResults = async () =>
    await stat(results()).then(
      ({ size }) => size,
      () => 0,
    );

  it(`has the same totals after the process was killed ${kills} times`, async () => {
    const whole = await evaluate(model, path('val'));
    assert.deepEqual([whole.top1.correct, whole.results.length], [280, 300]);
    const random = new Random(11);
    const sizes: number[] = [await sizeOfResults()];
    for (let i = 0; i < kills; i++) {
      const { child, closed } = await start();
      // Every fourth process is killed after it has written something, however slow the machine is.
      while (i % 4 === 0 && child.exitCode === null && (await sizeOfResults()) === sizes.at(-1)) {
        await sleep(5);
      }
      await sleep(30 + 120 * random.next());
      child.kill('SIGKILL');
      await closed;
      sizes.push(await sizeOfResults());
    }
    const grown = sizes.filter((size, i) => i > 0 && size > sizes[i - 1]!).length;
    assert.ok(grown >= kills / 4, `${grown} of the killed processes wrote results`);
    const { closed, output } = await start();
    await closed;
    assert.deepEqual(JSON.parse(output().split('\n')[1]!), [280, 300]);
    const lines = (await readFile(results(), 'utf8')).trim().split('\n').slice(1);
    const names = lines.map((line) => (JSON.parse(line) as { name: string }).name);
    assert.equal(names.length, 300);
    assert.equal(new Set(names).size, 300);
    const resumed = await evaluate(model, path('val'), { results: results() });
    assert.deepEqual(
      resumed.results.map(({ name, classes }) => [name, classes]),
      whole.results.map(({ name, classes }) => [name, classes]),
    );
    assert.ok(Number.isNaN(resumed.throughput));
  });

  it('removes a line that was not written to its end', async () => {
    await evaluate(model, path('val'), { results: results() });
    const text = await readFile(results(), 'utf8');
    const line = text.split('\n')[5]!;
    for (const length of [1, line.length - 1]) {
      await writeFile(results(), text.slice(0, text.indexOf(line)) + line.slice(0, length));
      const { top1 } = await evaluate(model, path('val'), { results: results() });
      assert.deepEqual([top1.correct, top1.total], [280, 300]);
    }
    // Nothing is written over it.
    const whole = await readFile(results(), 'utf8');
    await appendFile(results(), '{"name":"none.png",');
    await evaluate(model, path('val'), { results: results() });
    assert.equal(await readFile(results(), 'utf8'), whole);
    await appendFile(results(), '{"name":3}\n');
    await assert.rejects(evaluate(model, path('val'), { results: results() }), (error: unknown) => {
      assert.ok(error instanceof EvaluationError);
      assert.match(error.message, /is damaged on line 302/);
      return true;
    });
  });

  it('is read by a dataset that does not skip', async () => {
    await evaluate(model, path('val'), { results: results() });
    const dataset = await openDataset(path('val'));
    const reading: Dataset = { name: dataset.name, samples: () => dataset.samples() };
    const { top1, throughput } = await evaluate(model, reading, { results: results() });
    assert.deepEqual([top1.correct, top1.total, throughput], [280, 300, NaN]);
  });

  it('reads images again that could not be read', async () => {
    await writeFile(path('val/red/0.png'), 'damaged');
    const { unreadable } = await evaluate(model, path('val'), { results: results() });
    assert.equal(unreadable.length, 1);
    await saveColor(path('val/red/0.png'), 'red');
    const evaluation = await evaluate(model, path('val'), { results: results() });
    assert.deepEqual([evaluation.results.length, evaluation.unreadable], [300, []]);
  });

  it('refuses the results of other models, images and options', async () => {
    await evaluate(model, path('val'), { results: results() });
    await using other = await openColorModel(await saveColorModel(path('other.pt')));
    const refuses = async (message: RegExp, ...args: Parameters<typeof evaluate>) => {
      await assert.rejects(evaluate(...args), (error: unknown) => {
        assert.ok(error instanceof EvaluationError, String(error));
        assert.equal(error.code, 'ERR_SEMISUP_EVALUATION_RESULTS');
        assert.match(error.message, message);
        return true;
      });
    };
    const options = { results: results() };
    await refuses(/models was \[.*colors.*other/s, other as never, path('val'), options);
    await refuses(/dataset was "/, model as never, `${path('val')}/.`, options);
    await refuses(/orient was false, and is now true/, model as never, path('val'), {
      ...options,
      orient: true,
    });
    await refuses(/validLabels/, model as never, path('val'), { ...options, validLabels: [0, 1] });
    await writeFile(results(), 'something else\n');
    await refuses(
      /its first line is not that of an evaluation/,
      model as never,
      path('val'),
      options,
    );
    await refuses(/cannot be read or written/, model as never, path('val'), {
      results: path('val/red'),
    });
    await mkdir(path('locked.lock'));
    await refuses(/cannot be read or written: .*a directory/, model as never, path('val'), {
      results: path('locked'),
    });
  });

  it('is written by one process at a time', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    await Promise.all([first.closed, second.closed]);
    for (const { output } of [first, second]) {
      assert.deepEqual(JSON.parse(output().split('\n')[1]!), [280, 300]);
    }
    const lines = (await readFile(results(), 'utf8')).trim().split('\n');
    assert.equal(lines.length, 301);
  });

  it('is not written any more once another process has taken over its lock', async () => {
    const dataset = await openDataset(path('val'));
    const suspended: Dataset = {
      name: dataset.name,
      async *samples(options) {
        yield* dataset.samples(options);
        const other = { pid: 1, host: 'another', token: '0123456789abcdef' };
        await writeFile(`${results()}.lock`, JSON.stringify(other));
        await once(options!.signal!, 'abort');
      },
    };
    await assert.rejects(evaluate(model, suspended, { results: results() }), LockError);
    const lines = (await readFile(results(), 'utf8')).trim().split('\n');
    assert.ok(lines.length > 1 && lines.length < 301, `${lines.length} lines`);
  });
});
