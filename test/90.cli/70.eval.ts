import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { colors, saveColor, saveColorModel } from '../support/color-model';
import { root, runCommand, typescript } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('semisup eval', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let model: string[];

  beforeEach(async () => {
    await saveColorModel(path('colors.pt'));
    await saveColorModel(path('biased.pt'), [0, 4.5, 0]);
    await writeFile(path('classes.txt'), `${colors.join('\n')}\n`);
    for (const color of colors) {
      for (let i = 0; i < 4; i++) {
        await saveColor(path(`val/${color}/${i}.png`), i === 3 ? 'blue' : color);
      }
    }
    model = ['--model', path('colors.pt'), '--classes', path('classes.txt')];
  });

  it('prints a table, and writes JSON, CSV and the result of each image', async () => {
    const out = path('out');
    const args = ['eval', path('val'), ...model, '--out', out];
    const { code, stdout, stderr } = await runCommand(args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^model .* top-1 .* 95 % interval .* ECE/);
    assert.match(stdout, /\d+ +83\.33 +55\.20 to 95\.30 +100\.00 /);
    assert.match(
      stdout,
      /Confused most by .*\nimages +class +taken for +for example\n +1 +green +blue +green\/3\.png/,
    );
    const csv = await readFile(join(out, 'results.csv'), 'utf8');
    assert.match(
      csv,
      /^model,top1,top1_err.*\n.*,83\.333,16\.667,100\.000,0\.000,,224,0\.875,bilinear\n$/,
    );
    const [summary] = JSON.parse(await readFile(join(out, 'summary.json'), 'utf8')) as [
      { images: number; top1: { correct: number } },
    ];
    assert.deepEqual([summary.images, summary.top1.correct], [12, 10]);
    const again = await runCommand([...args, '--csv']);
    assert.equal(again.stdout, csv);
    const json = await runCommand([...args, '--json']);
    assert.equal((JSON.parse(json.stdout) as { images: number }[])[0]!.images, 12);
  });

  it('evaluates at another size, over views, and with a temperature', async () => {
    const evaluateWith = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCommand(['eval', path('val'), ...model, ...args]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return stdout;
    };
    const input = ['--size', '288', '--crop', '1'];
    assert.match(await evaluateWith(...input, '--csv'), /,288,1,bilinear\n$/);
    const scoring = ['--views', 'ten-crop', '--temperature', '2', '--out', path('out')];
    const [summary] = JSON.parse(await evaluateWith(...input, ...scoring, '--json')) as [
      Record<string, unknown>,
    ];
    const { views, temperature, transform, nll } = summary;
    assert.deepEqual({ views, temperature }, { views: 'ten-crop', temperature: 2 });
    assert.deepEqual((transform as { crop: number }).crop, 288);
    const [plain] = JSON.parse(await evaluateWith('--json')) as [Record<string, unknown>];
    assert.deepEqual([plain.views, plain.temperature], ['center', 1]);
    assert.deepEqual(plain.top1, summary.top1);
    assert.notEqual(plain.nll, nll);
    const report = await readFile(path('out/report.html'), 'utf8');
    assert.match(report, /12 images\. Views: ten-crop\. Temperature: 2\.<\/p>/);
    const { code, stderr } = await runCommand([
      'eval',
      path('val'),
      ...model,
      '--out',
      path('out'),
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /results of another evaluation: models was/);
  });

  it('lists images that cannot be read, and exits with 1', async () => {
    await writeFile(path('val/red/bad.png'), 'no image');
    const { code, stderr } = await runCommand(['eval', path('val'), ...model]);
    assert.equal(code, 1);
    assert.match(stderr, /bad\.png .*\(ERR_SEMISUP_IMAGE_FORMAT\)\n1 images could not be read/);
  });

  it('goes on after Ctrl-C', async () => {
    for (let i = 4; i < 500; i++) {
      await symlink(path('val/red/0.png'), path(`val/red/${i}.png`));
    }
    const args = ['eval', path('val'), ...model, '--out', path('out')];
    const command = join(root, 'src', 'cli', 'index.ts');
    const child = spawn(process.execPath, ['--require', typescript, command, ...args], {
      cwd: root,
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = once(child, 'close');
    const lines = async () => {
      const text = await readFile(path('out/results.jsonl'), 'utf8').catch(() => '');
      return text.split('\n').length - 2;
    };
    while ((await lines()) < 16) await sleep(2);
    child.kill('SIGINT');
    assert.deepEqual(await closed, [null, 'SIGINT']);
    assert.match(stderr, /Interrupted\. Run the command again/);
    const evaluated = await lines();
    assert.ok(evaluated >= 16 && evaluated < 508, `${evaluated} images`);
    const { code, stdout } = await runCommand([...args, '--json']);
    assert.equal(code, 0);
    const [{ images, top1 }] = JSON.parse(stdout) as [
      { images: number; top1: { correct: number } },
    ];
    assert.deepEqual([images, top1.correct], [508, 506]);
  });

  it('refuses wrong usage before a model is opened', async () => {
    for (const [args, exit, message] of [
      [['eval', path('nowhere'), ...model], 1, /nowhere does not exist/],
      [
        ['eval', path('val'), '--model', 'a,b', '--weights', 'w.pth'],
        2,
        /Expected one model for --weights/,
      ],
      [['eval'], 2, /missing required argument 'dataset'/],
    ] as const) {
      const { code, stderr } = await runCommand([...args]);
      assert.equal(code, exit, stderr);
      assert.match(stderr, message);
    }
  });
});
