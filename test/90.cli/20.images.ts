import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Prediction } from '../../src/classify';
import { hub } from '../../src/hub';
import { generatedWeights } from '../support/generated-weights';
import { TestServer } from '../support/http-server';
import { root, runCommand } from '../support/run-node';

const clock = join(root, 'examples', 'clock.jpg');

describe('semisup classify, embed, explain and export', function () {
  this.timeout(120_000);
  const generated = generatedWeights();
  const server = new TestServer();
  const model = () => ['--model', 'resnet18_swsl', '--weights', generated.weights];

  it('print only a table', async () => {
    const { code, stdout, stderr } = await runCommand(['classify', clock, '-k', '3', ...model()]);
    const lines = stdout.trim().split('\n');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(lines[0], clock);
    assert.equal(lines.filter((line) => / n\d{8}$/.test(line)).length, 3);
    assert.match(lines.at(-1)!, /^decode [\d.]+ ms, transform [\d.]+ ms, forward [\d.]+ ms$/);
  });

  it('print JSON', async () => {
    const { code, stdout } = await runCommand(['classify', clock, clock, '--json', ...model()]);
    const answers = JSON.parse(stdout) as { image: string; predictions: { score: number }[] }[];
    assert.equal(code, 0);
    assert.deepEqual(
      answers.map(({ image, predictions }) => [image, predictions.length]),
      [
        [clock, 5],
        [clock, 5],
      ],
    );
    assert.equal(answers[0]!.predictions[0]!.score, answers[1]!.predictions[0]!.score);
  });

  it('continue after a missing image, and exit with 1', async () => {
    for (const [command, result] of [
      ['classify', 'predictions'],
      ['embed', 'embedding'],
    ] as const) {
      const { code, stdout, stderr } = await runCommand([
        command,
        'no.jpg',
        clock,
        '--json',
        ...model(),
      ]);
      const message = 'The image no.jpg does not exist. Check the path.';
      const [first, second] = JSON.parse(stdout) as Record<string, unknown>[];
      assert.equal(code, 1);
      assert.equal(stderr, `semisup: ${message} (ERR_SEMISUP_IMAGE_NOT_FOUND)\n`);
      assert.deepEqual(first, {
        image: 'no.jpg',
        error: { code: 'ERR_SEMISUP_IMAGE_NOT_FOUND', message },
      });
      assert.equal(second!.image, clock);
      assert.ok((second![result] as unknown[]).length >= 5);
    }
  });

  it('read directories, patterns, URLs and standard input', async () => {
    const directory = join(generated.directory, 'images');
    await mkdir(join(directory, 'more'), { recursive: true });
    for (const name of ['b.jpg', 'a.PNG', 'more/c[1].jpeg', 'notes.txt']) {
      await copyFile(clock, join(directory, name));
    }
    server.handler = (request, response) => {
      if (request.url !== '/clock.jpg') response.writeHead(404).end();
      else createReadStream(clock).pipe(response);
    };
    const pattern = join(directory, '*.jpg');
    const bracketed = join(directory, 'more/c[1].jpeg');
    const [found, missing] = [`${server.origin}/clock.jpg`, `${server.origin}/no.jpg`];
    const args = ['classify', directory, pattern, bracketed, '-', missing, found];
    const unmatched = join(directory, '*.gif');
    const { code, stdout, stderr } = await runCommand(
      [...args, unmatched, '--json', ...model()],
      process.env,
      { input: await readFile(clock) },
    );
    const answers = JSON.parse(stdout) as {
      image: string;
      predictions?: object[];
      error?: { code: string };
    }[];
    assert.deepEqual(
      answers.map(({ image, error }) => [image, error?.code]),
      [
        ...['a.PNG', 'b.jpg', 'more/c[1].jpeg'].map((name) => [join(directory, name), undefined]),
        [join(directory, 'b.jpg'), undefined],
        [bracketed, undefined],
        ['-', undefined],
        [missing, 'ERR_SEMISUP_DOWNLOAD_HTTP'],
        [found, undefined],
        [unmatched, 'ERR_SEMISUP_IMAGE_NOT_FOUND'],
      ],
    );
    const results = answers.filter(({ error }) => !error);
    for (const { predictions } of results) {
      assert.deepEqual(predictions, answers[0]!.predictions);
    }
    assert.equal(code, 1);
    assert.match(stderr, /no\.jpg responded with status 404\./);
  });

  it('draw which parts of an image speak for a class', async () => {
    const out = join(generated.directory, 'cam.png');
    const drawn = await runCommand(['explain', clock, '--out', out, ...model()]);
    assert.deepEqual([drawn.code, drawn.stderr], [0, '']);
    assert.match(drawn.stdout, /cam\.png {2}.+ {2}n\d{8} {2}\d+\.\d %\n$/);
    assert.equal((await sharp(out).metadata()).format, 'png');
    const args = ['explain', '-', '--json', '--class', '892', '--layer', 'layer3', ...model()];
    const { code, stdout } = await runCommand(args, process.env, { input: await readFile(clock) });
    const [map] = JSON.parse(stdout) as { class: { label: string }; data: number[] }[];
    assert.deepEqual([code, map!.class.label, map!.data.length], [0, 'wall clock', 14 * 14]);
    for (const wrong of [[], ['--out', 'cam.gif'], ['--out', join(out, 'cam.png')]]) {
      assert.equal((await runCommand(['explain', clock, ...wrong, ...model()])).code, 2);
    }
  });

  it('average over views, and scale logits by a temperature', async () => {
    const run = async (command: string, ...args: string[]) => {
      const { code, stdout, stderr } = await runCommand([
        command,
        clock,
        '--json',
        ...args,
        ...model(),
      ]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return (JSON.parse(stdout) as { predictions: Prediction[]; embedding: number[] }[])[0]!;
    };
    await using classifier = await hub.load('resnet18_swsl', {
      ...{ weights: generated.weights, size: 96, crop: 1, plan: 'untuned' },
    });
    const input = ['--size', '96', '--crop', '1', '--plan', 'untuned'];
    const options = { views: 'ten-crop', temperature: 0.5 } as const;
    const { predictions } = await run(
      'classify',
      ...input,
      '--views',
      'ten-crop',
      '--temperature',
      '0.5',
    );
    assert.deepEqual(predictions, await classifier.classify(clock, options));
    const { embedding } = await run('embed', ...input, '--views', 'flip');
    assert.deepEqual(embedding, [...(await classifier.embed(clock, { views: 'flip' }))]);
    for (const [wrong, message] of [
      [['--views', 'tencrop'], /Allowed choices are center, flip, five-crop, ten-crop/],
      [['--temperature', '0'], /Expected a number above 0/],
      [['--size', 'large'], /Expected an integer from 1 to 4096 for size, but received NaN/],
      [['--crop', '87.5'], /Expected a number above 0 and at most 1 for crop, but received 87\.5/],
    ] as const) {
      const { code, stderr } = await runCommand(['classify', clock, ...wrong, ...model()]);
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
  });

  it('print embeddings of length 1', async () => {
    const { stdout } = await runCommand(['embed', clock, '--normalize', '--json', ...model()]);
    const [{ embedding }] = JSON.parse(stdout) as [{ embedding: number[] }];
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-6);
  });

  it('run a TorchScript file as the model', async () => {
    const path = join(generated.directory, 'model.pt');
    await runCommand(['export', 'resnet18_swsl', '--weights', generated.weights, '-o', path]);
    const expected = await runCommand(['embed', clock, ...model()]);
    const { code, stdout } = await runCommand(['embed', clock, '--model', path]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: expected.stdout });
    const classes = join(generated.directory, 'classes.txt');
    await writeFile(classes, Array.from({ length: 1000 }, (_, i) => `name ${i}\n`).join(''));
    const named = await runCommand(['classify', clock, '--model', path, '--classes', classes]);
    assert.match(named.stdout, / name \d+$/m);
    for (const args of [
      ['--model', path, '--weights', generated.weights],
      ['--model', 'resnet18_swsl', '--classes', classes],
    ]) {
      const { code, stderr } = await runCommand(['classify', clock, ...args]);
      assert.equal(code, 2);
      assert.match(stderr, /applies to .* only/);
    }
  });

  it('exit before classifying if the usage is invalid', async () => {
    const args = ['classify', clock, clock, '-k', '1001', ...model()];
    const { code, stdout, stderr } = await runCommand(args);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(stderr, /^semisup: Expected an integer from 1 to 1000 for topk, [^\n]*\n$/);
  });

  it('exit without an error when their output is closed', async () => {
    const args = ['embed', ...Array<string>(8).fill(clock), ...model()];
    const { code, stdout, stderr } = await runCommand(args, process.env, { hangUp: true });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(stdout.split('\n').length, 2);
  });

  it('print one embedding per line', async () => {
    const { code, stdout } = await runCommand(['embed', clock, ...model()]);
    const [name, ...values] = stdout.trim().split('\t');
    assert.equal(code, 0);
    assert.equal(name, clock);
    assert.equal(values.length, 512);
  });

  it('write a TorchScript file and print its path', async () => {
    const path = join(generated.directory, 'exported.pt');
    const { code, stdout } = await runCommand([
      'export',
      'resnet18_swsl',
      '--weights',
      generated.weights,
      '-o',
      path,
    ]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: `${path}\n` });
    assert.ok(existsSync(path));
  });
});
