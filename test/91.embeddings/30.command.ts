import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { generatedWeights } from '../support/generated-weights';
import { photosOrSkip } from '../support/photos';
import { root, runCommand } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

interface Summary {
  readonly file: string;
  readonly model: string;
  readonly images: number;
  readonly dimensions: number;
  readonly computed: number;
  readonly failed: readonly { image: string; error: { code: string; message: string } }[];
}

interface Line {
  readonly image: string;
  readonly embedding: readonly number[];
}

describe('semisup embed --out', function () {
  this.timeout(180_000);
  const generated = generatedWeights();
  const directory = temporaryDirectory();
  const model = () => ['--model', 'resnet18_swsl', '--weights', generated.weights];
  const photos = () => join(directory.path, 'photos');
  const out = () => join(directory.path, 'out', 'v.jsonl');

  async function draw(name: string, seed: number): Promise<void> {
    const data = Buffer.from(
      Array.from({ length: 48 }, (_, i) => (seed * 7919 + i * i * 131) % 256),
    );
    await sharp(data, { raw: { width: 4, height: 4, channels: 3 } })
      .resize(96, 96, { kernel: 'cubic' })
      .toFile(join(photos(), name));
  }

  beforeEach(async () => {
    await mkdir(join(photos(), 'sub'), { recursive: true });
    for (const [i, name] of ['a.png', 'b.jpg', 'sub/c.webp'].entries()) await draw(name, i + 1);
  });

  const readLines = async (path = out()) =>
    (await readFile(path, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);

  async function embed(args: readonly string[]): Promise<Summary> {
    const { code, stdout, stderr } = await runCommand([
      ...['embed', ...args, '--out', out(), '--json', ...model()],
    ]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Summary;
  }

  function assertNear(actual: readonly number[], expected: readonly number[]): void {
    const scale = Math.max(...expected);
    assert.equal(actual.length, expected.length);
    for (const [i, value] of actual.entries()) {
      assert.ok(Math.abs(value - expected[i]!) <= 1e-5 * scale, `${i}: ${value}, ${expected[i]}`);
    }
  }

  it('writes what it prints without', async () => {
    const c = join(photos(), 'sub', 'c.webp');
    const summary = await embed([c, photos(), '--normalize']);
    assert.match(summary.model, /^resnet18_swsl@sha256:[0-9a-f]{16}$/);
    assert.deepEqual(
      { ...summary, model: '' },
      { file: out(), model: '', images: 3, dimensions: 512, computed: 3, failed: [] },
    );
    const lines = await readLines();
    // Each once, where it is named first.
    assert.deepEqual(
      lines.map(({ image }) => image),
      [c, join(photos(), 'a.png'), join(photos(), 'b.jpg')],
    );
    const args = ['embed', ...lines.map(({ image }) => image), '--normalize', '--json'];
    const { stdout } = await runCommand([...args, ...model()]);
    for (const [i, { embedding }] of (JSON.parse(stdout) as Line[]).entries()) {
      assertNear(lines[i]!.embedding, embedding);
    }
    const again = await runCommand(['embed', photos(), '--out', out(), ...model()]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /v\.jsonl' exists\. .*\(ERR_SEMISUP_EMBEDDINGS_EXIST\)\n$/);
  });

  it('lists images that cannot be read', async () => {
    await writeFile(join(photos(), 'bad.png'), 'no image');
    const { images, computed, failed } = await embed([photos(), 'no.jpg', join(photos(), '*.gif')]);
    assert.deepEqual([images, computed], [3, 3]);
    assert.deepEqual(failed.map(({ image, error }) => [image, error.code]).toSorted(), [
      [join(photos(), '*.gif'), 'ERR_SEMISUP_IMAGE_NOT_FOUND'],
      [join(photos(), 'bad.png'), 'ERR_SEMISUP_IMAGE_FORMAT'],
      ['no.jpg', 'ERR_SEMISUP_IMAGE_NOT_FOUND'],
    ]);
    const bad = failed.find(({ image }) => image.endsWith('bad.png'));
    // With the remedy, and without the position in a call.
    assert.match(bad!.error.message, /^\S*bad\.png is not a supported image.*\. [A-Z].*\.$/s);
    assert.equal((await readLines()).length, 3);
    await rm(out());
    const table = await runCommand(['embed', photos(), '--out', out(), ...model()]);
    assert.match(table.stdout, /: 3 images, 512 dimensions \(3 computed, 1 unreadable\) at /);
    assert.match(table.stderr, /^semisup: \S*bad\.png .* \(ERR_SEMISUP_IMAGE_FORMAT\)\n$/);
    const bare = ['embed', join(photos(), 'bad.png'), '--out', join(directory.path, 'none.npy')];
    const { code, stderr } = await runCommand([...bare, ...model()]);
    assert.equal(code, 1);
    assert.match(stderr, /none of the images could be read, such as '.*bad\.png'/);
    assert.deepEqual((await readdir(directory.path)).toSorted(), ['out', 'photos']);
  });

  it('goes on after Ctrl-C, with the same model only', async () => {
    const a = join(photos(), 'a.png');
    for (let i = 0; i < 160; i++) await symlink(a, join(photos(), `${i}.png`));
    const args = ['embed', photos(), '--out', out()];
    const rows = join(`${out()}.part`, 'rows');
    const command = join(root, 'src', 'cli', 'index.ts');
    const child = spawn(
      process.execPath,
      ['--require', 'tsx', command, ...args, ...model(), '--plan', 'untuned'],
      { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = once(child, 'close');
    const size = async () => (await stat(rows).catch(() => ({ size: 0 }))).size;
    // A row has 2 KiB and the name of its image.
    while ((await size()) < 60_000) await sleep(2);
    child.kill('SIGINT');
    assert.deepEqual(await closed, [null, 'SIGINT']);
    assert.match(stderr, /^Interrupted\. Run the command again to embed the other images\.\n$/);
    assert.deepEqual(await readdir(join(directory.path, 'out')), ['v.jsonl.part']);

    const other = await runCommand([...args, ...model(), '--orient']);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /orient was false, and is now true/);
    assert.match(other.stderr, /\(ERR_SEMISUP_EMBEDDINGS_CONDITIONS\)\n$/);

    await draw('0.new.png', 5);
    await rm(join(photos(), '7.png'));
    const { images, computed } = await embed([photos()]);
    assert.equal(images, 163);
    assert.ok(computed > 0 && computed < 163, `${computed} of 163`);
    const lines = await readLines();
    assert.equal(lines.length, 163);
    assert.equal(new Set(lines.map(({ image }) => image)).size, 163);
    const expected = lines.find(({ image }) => image === a)!.embedding;
    for (const { image, embedding } of lines) {
      if (/[/\\]\d+\.png$/.test(image)) assertNear(embedding, expected);
    }
  });

  it('refuses wrong usage before a model is opened', async () => {
    const missing = join(directory.path, 'no.pth');
    const env = { ...process.env, NODE_PATH: '' };
    for (const [args, exit, message] of [
      [['--out', 'v.csv'], 2, /ends in \.npy, \.jsonl, \.parquet, \.lance for --out/],
      [['--out', 'v.npy', '-'], 2, /Expected files for the images of --out, but received '-'/],
      [['--out', 'v.npy', 'HTTPS://x/a.png'], 2, /but received 'HTTPS:\/\/x\/a\.png'/],
      [['--out', photos() + '.lance'], 1, /@lancedb\/lancedb, .* Install it: npm install @lancedb/],
    ] as const) {
      const command = ['embed', photos(), ...args, '--weights', missing];
      const { code, stderr } = await runCommand(command, env);
      assert.equal(code, exit, stderr);
      assert.match(stderr, message);
    }
  });

  it('has the embeddings of photos in each format', async function () {
    const directories = photosOrSkip(this);
    const names = (await readdir(directories)).toSorted().slice(0, 5);
    await rm(photos(), { recursive: true });
    await mkdir(photos());
    for (const name of names) await copyFile(join(directories, name), join(photos(), name));
    await embed([photos()]);
    const lines = await readLines();
    const path = join(directory.path, 'v.parquet');
    const { code, stderr } = await runCommand(['embed', photos(), '--out', path, ...model()]);
    assert.equal(code, 0, stderr);
    const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
    for (const [i, { image, embedding }] of (rows as unknown as Line[]).entries()) {
      assert.equal(image, join(photos(), names[i]!));
      assertNear(embedding, lines[i]!.embedding);
    }
    assert.equal(rows.length, 5);
  });
});
