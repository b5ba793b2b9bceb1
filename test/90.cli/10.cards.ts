import assert from 'node:assert/strict';
import { runCommand } from '../support/run-node';

describe('semisup list and info', () => {
  it('list the matching models', async () => {
    const { code, stdout } = await runCommand(['list', '*18_s*']);
    const names = stdout.split('\n').map((line) => line.split(' ')[0]);
    assert.equal(code, 0);
    assert.deepEqual(names.slice(0, 4), ['model', 'resnet18_ssl', 'resnet18_swsl', '']);
  });

  it('report that no model matches', async () => {
    const { code, stdout, stderr } = await runCommand(['list', 'xyz*']);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(stderr, /^semisup: No model matches 'xyz\*'\. Run `semisup list` /);
  });

  it('mark claimed accuracies', async () => {
    const { stdout } = await runCommand(['list', 'resnet50_*']);
    assert.match(stdout, /^resnet50_swsl +81\.1 +96\.0 /m);
    assert.match(stdout, /^resnet50_baseline +74\.9\* +92\.1\* /m);
    assert.match(stdout, /\nAccuracy in percent, as measured by timm; \*: as claimed\.\n$/);
  });

  it('print the cards as JSON', async () => {
    const list = await runCommand(['list', '--json']);
    const info = await runCommand(['info', 'swsl_resnet50', '--json']);
    const cards = JSON.parse(list.stdout) as { name: string }[];
    assert.equal(cards.length, 13);
    assert.deepEqual(
      JSON.parse(info.stdout),
      cards.find(({ name }) => name === 'resnet50_swsl'),
    );
  });

  it('print the license and both accuracies', async () => {
    const { stdout } = await runCommand(['info', 'resnext101_32x16d_swsl']);
    for (const part of ['CC-BY-NC 4.0', 'NOT FOR COMMERCIAL USE', '84.8 %', '83.340 %']) {
      assert.ok(stdout.includes(part), part);
    }
  });
});

/** Prevents downloads, so that a usage error must be detected before one is attempted. */
const offline = ['--offline', '--hub-dir', '/nowhere'];

describe('the exit code', () => {
  const cases: [string, string[], number, RegExp][] = [
    ['is 0 for help', ['--help'], 0, /Usage: semisup/],
    ['is 0 for the version', ['--version'], 0, /^\d+\.\d+\.\d+/],
    ['is 2 without a command', [], 2, /Usage: semisup/],
    ['is 2 for an unknown command', ['clasify', 'a.jpg'], 2, /Did you mean classify/],
    ['is 2 for an unknown option', ['list', '--jsn'], 2, /Did you mean --json/],
    ['is 2 for an invalid value', ['classify', 'a.jpg', '--topk', 'five'], 2, /positive integer/],
    [
      'is 2 for a topk above the number of classes',
      ['classify', 'a.jpg', '-k', '1001', ...offline],
      2,
      /^semisup: Expected an integer from 1 to 1000 for topk, [^\n]*\n$/,
    ],
    [
      'is 2 for a number of classes above the limit',
      ['export', 'resnet18_swsl', '--num-classes', '65537', ...offline],
      2,
      /^semisup: Expected a whole number from 1 to 65536 for numClasses, [^\n]*\n$/,
    ],
    ['is 2 for an unknown model', ['info', 'resnet51_swsl'], 2, /Did you mean 'resnet50_swsl'/],
    ['is 2 for an unknown device', ['classify', 'a.jpg', '--device', 'gpu'], 2, /cuda:<index>/],
    [
      'is 1 for a failed command',
      ['download', 'resnet18_ssl', ...offline],
      1,
      /ERR_SEMISUP_DOWNLOAD_OFFLINE/,
    ],
  ];
  for (const [title, args, expected, text] of cases) {
    it(title, async () => {
      const { code, stdout, stderr } = await runCommand(args);
      assert.match(stdout + stderr, text);
      assert.equal(code, expected);
    });
  }
});
