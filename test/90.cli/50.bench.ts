import assert from 'node:assert/strict';
import { generatedWeights } from '../support/generated-weights';
import { runCommand } from '../support/run-node';

interface Row {
  readonly model: string;
  readonly precision: string;
  readonly plan: { readonly kind: string; readonly reason: string };
  readonly batch: number;
  readonly ms: number;
  readonly imagesPerSecond: number;
  readonly speedup: number;
}

describe('semisup bench', function () {
  this.timeout(120_000);
  const generated = generatedWeights();
  const bench = (...args: string[]) =>
    runCommand([
      ...['bench', 'resnet18_swsl', '--weights', generated.weights],
      ...['--seconds', '0.01', ...args],
    ]);

  it('measures at another size', async () => {
    const args = ['--precision', 'float32', '--batch', '1', '--json', '--size'];
    const { code, stdout } = await bench(...args, '64');
    assert.deepEqual([code, (JSON.parse(stdout) as Row[]).length], [0, 2]);
    const wrong = await bench(...args, '0');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /Expected an integer from 1 to 4096 for size/);
  });

  it('prints a table of the interpreter and the plans, with their reasons', async () => {
    const { code, stdout, stderr } = await bench('--precision', 'float32', '--batch', '1, 2');
    const lines = stdout.trim().split('\n');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(lines[0], 'resnet18_swsl');
    assert.match(lines[1]!, /^precision +plan +batch +ms +images\/s +speedup$/);
    assert.deepEqual(
      lines.slice(2, 6).map((line) => line.split(/ +/).slice(0, 3)),
      [
        ['float32', 'interpreter', '1'],
        ['float32', 'planned', '1'],
        ['float32', 'interpreter', '2'],
        ['float32', 'planned', '2'],
      ],
    );
    assert.equal(lines[2]!.split(/ +/).at(-1), '1.00');
    assert.equal(lines[6], `float32, interpreter: It was requested by plan: 'interpreter'.`);
    assert.match(lines[7]!, /^float32, planned: The (algorithms were selected|tuning was read) /);
  });

  it('prints JSON for each supported precision, and reports the unsupported ones', async () => {
    const { code, stdout, stderr } = await bench('--batch', '1', '--json');
    const rows = JSON.parse(stdout) as Row[];
    const unsupported = stderr.split('\n').filter((line) => line !== '');
    assert.equal(code, 0);
    assert.equal(rows.length + unsupported.length, 4);
    for (const line of unsupported) assert.match(line, /^semisup: The model cannot run in /);
    for (const { model, batch, ms, imagesPerSecond, speedup } of rows) {
      assert.deepEqual([model, batch], ['resnet18_swsl', 1]);
      assert.ok(Math.abs(imagesPerSecond * ms - 1000) < 1e-6);
      assert.ok(Math.abs(speedup * ms - rows[0]!.ms) < 1e-6);
    }
    const kinds = rows.map(({ precision, plan }) => `${precision} ${plan.kind}`);
    assert.deepEqual(kinds.slice(0, 2), ['float32 interpreter', 'float32 planned']);
  });

  it('exits before measuring if the usage is invalid', async () => {
    for (const [args, message] of [
      [['--precision', 'float8'], /for precision, but received 'float8'/],
      [['--batch', '1,none'], /positive integer/],
      [['--batch', '0'], /positive integer/],
      [['--seconds', '-1'], /number of seconds/],
    ] as const) {
      const { code, stdout, stderr } = await bench(...args);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.match(stderr, message);
    }
  });
});

describe('--precision and --plan', function () {
  this.timeout(120_000);
  const generated = generatedWeights();
  const clock = 'examples/clock.jpg';
  const model = () => ['--model', 'resnet18_swsl', '--weights', generated.weights];

  it('apply to semisup classify and embed', async () => {
    const embed = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCommand(['embed', clock, ...model(), ...args]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return stdout;
    };
    assert.notEqual(
      await embed('--plan', 'untuned', '--precision', 'int8'),
      await embed('--plan', 'interpreter'),
    );
    const { code, stdout } = await runCommand([
      ...['classify', clock, ...model(), '--plan', 'untuned', '--precision', 'int8'],
    ]);
    assert.equal(code, 0);
    assert.match(stdout, / n\d{8}$/m);
  });

  it('are validated before a download', async () => {
    for (const args of [
      ['--precision', 'float8'],
      ['--plan', 'none'],
      ['--plan', 'interpreter', '--precision', 'int8'],
    ]) {
      const command = ['classify', clock, '--offline', '--hub-dir', '/nowhere', ...args];
      const { code, stderr } = await runCommand(command);
      assert.equal(code, 2);
      assert.match(stderr, /ERR_SEMISUP_OPTION_VALUE/);
    }
  });
});
