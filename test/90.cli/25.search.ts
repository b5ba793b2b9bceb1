import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { ImageIndex } from '../../src/index';
import { generatedWeights } from '../support/generated-weights';
import { root, runCommand, typescript } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

interface Summary {
  index: string;
  model: string;
  dimensions: number;
  size: number;
  added: number;
  updated: number;
  unchanged: number;
  removed: number;
  interrupted: boolean;
  failed: { image: string; error: { code: string; message: string } }[];
}

type Neighbors = { id: string; path: string; score: number }[];

describe('semisup index, search and duplicates', function () {
  this.timeout(180_000);
  const generated = generatedWeights();
  const directory = temporaryDirectory();
  const model = () => ['--model', 'resnet18_swsl', '--weights', generated.weights];
  const photos = () => join(directory.path, 'photos');

  /** Writes a picture of smooth random colors. */
  async function draw(name: string, seed: number): Promise<void> {
    const data = Buffer.from(
      Array.from({ length: 48 }, (_, i) => (seed * 7919 + i * i * 131) % 256),
    );
    await sharp(data, { raw: { width: 4, height: 4, channels: 3 } })
      .resize(96, 96, { kernel: 'cubic' })
      .toFile(join(photos(), name));
  }

  async function fillWithCopies(): Promise<void> {
    for (let i = 0; i < 400; i++)
      await copyFile(join(photos(), 'a.png'), join(photos(), `x${i}.png`));
  }

  async function index(...args: string[]): Promise<Summary> {
    const { code, stdout, stderr } = await runCommand(['index', photos(), '--json', ...args]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Summary;
  }

  /** Starts `semisup index` in another process. */
  function start(args: readonly string[]) {
    const command = join(root, 'src', 'cli', 'index.ts');
    const all = ['--require', typescript, command, 'index', '--json', ...args, ...model()];
    const child = spawn(process.execPath, all, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    return { child, stdout: () => stdout, stderr: () => stderr, closed };
  }

  /** Waits until a process holds the lock of an index. */
  async function locked(path: string, { child, stderr }: ReturnType<typeof start>): Promise<void> {
    while (!(await readFile(`${path}.lock`, 'utf8').catch(() => '')).includes(`${child.pid}`)) {
      assert.equal(child.exitCode, null, stderr());
      await sleep(2);
    }
  }

  const countsOf = ({ size, added, updated, unchanged, removed, failed }: Summary) => ({
    ...{ size, added, updated, unchanged, removed },
    failed: failed.length,
  });

  beforeEach(async () => {
    await mkdir(join(photos(), 'sub'), { recursive: true });
    for (const [i, name] of ['a.png', 'b.png', 'c.jpg', 'sub/d.webp'].entries()) {
      await draw(name, i + 1);
    }
    await copyFile(join(photos(), 'b.png'), join(photos(), 'sub', 'b copy.png'));
    await writeFile(join(photos(), 'broken.jpg'), 'not a picture');
  });

  it('compute only what has changed', async () => {
    const first = await index(...model());
    const path = join(photos(), '.semisup-index');
    assert.deepEqual(countsOf(first), {
      ...{ size: 5, added: 5, updated: 0, unchanged: 0, removed: 0, failed: 1 },
    });
    assert.deepEqual([first.index, first.dimensions, first.interrupted], [path, 512, false]);
    assert.match(first.model, /^resnet18_swsl@sha256:[0-9a-f]{16}$/);
    assert.equal(first.failed[0]!.image, join(photos(), 'broken.jpg'));
    assert.match(first.failed[0]!.error.message, /^\S*broken\.jpg is not a supported image/);

    await draw('a.png', 9);
    await draw('new.png', 10);
    await rm(join(photos(), 'c.jpg'));
    await rm(join(photos(), 'broken.jpg'));
    await utimes(join(photos(), 'sub', 'd.webp'), 1, 1);
    assert.deepEqual(countsOf(await index(...model())), {
      ...{ size: 5, added: 1, updated: 2, unchanged: 2, removed: 1, failed: 0 },
    });
    await using opened = await ImageIndex.open(path);
    assert.deepEqual(opened.ids().toSorted(), [
      ...['a.png', 'b.png', 'new.png', 'sub/b copy.png', 'sub/d.webp'],
    ]);
    assert.deepEqual(Object.keys(opened.metadata('a.png')!), ['size', 'modified']);
    assert.deepEqual(await readdir(photos()), [
      '.semisup-index',
      'a.png',
      'b.png',
      'new.png',
      'sub',
    ]);
  });

  it('do not open the model if nothing has changed', async () => {
    await rm(join(photos(), 'broken.jpg'));
    await index(...model());
    // Neither LibTorch nor weights can be found.
    const env = { ...process.env, TORCH_HOME: directory.path, SEMISUP_LIBTORCH: directory.path };
    const { code, stdout } = await runCommand(['index', photos(), ...model()], env);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /5 images \(0 added, 0 updated, 5 unchanged, 0 removed, 0 unreadable\)\n$/,
    );
    // An option that changes the embeddings.
    assert.equal((await index('--orient', ...model())).updated, 5);
    assert.equal((await index('--orient', ...model())).unchanged, 5);
  });

  it('index several directories into one file, which moves with them', async () => {
    await mkdir(join(photos(), 'other'));
    await draw('other/e.png', 5);
    const out = join(directory.path, 'all.index');
    for (const name of ['sub', 'other']) {
      const args = ['index', join(photos(), name), '--out', out, '--vectors', 'bfloat16'];
      const { code, stderr } = await runCommand([...args, ...model()]);
      assert.equal(code, 0, stderr);
    }
    const moved = join(directory.path, 'moved');
    await mkdir(moved);
    await rename(photos(), join(moved, 'photos'));
    await rename(out, join(moved, 'all.index'));
    const query = join(moved, 'photos', 'other', 'e.png');
    const args = ['search', query, '--index', join(moved, 'all.index'), '-k', '1', '--json'];
    const { stdout } = await runCommand([...args, ...model()]);
    const [result] = JSON.parse(stdout) as { neighbors: Neighbors }[];
    assert.deepEqual(
      result!.neighbors.map(({ id, path }) => [id, path]),
      [['photos/other/e.png', query]],
    );
    await using opened = await ImageIndex.open(join(moved, 'all.index'));
    assert.deepEqual([opened.size, opened.precision], [3, 'bfloat16']);
  });

  it('print neighbors and near-duplicates', async () => {
    await index(...model());
    const query = join(photos(), 'b.png');
    const args = ['search', query, 'no.jpg', '--index', photos(), ...model()];
    const { code, stdout, stderr } = await runCommand([...args, '-k', '2']);
    assert.equal(code, 1);
    assert.match(stderr, /^semisup: The image no\.jpg does not exist/);
    const lines = stdout.split('\n');
    assert.equal(lines[0], query);
    assert.match(lines[1]!, /^cosine +image$/);
    assert.equal(lines[2], `1.0000  ████████████████████  ${query}`);
    assert.equal(lines[3], `1.0000  ████████████████████  ${join(photos(), 'sub', 'b copy.png')}`);

    const found = await runCommand(['search', query, '--index', photos(), ...model(), '--json']);
    const [result] = JSON.parse(found.stdout) as { image: string; neighbors: Neighbors }[];
    assert.equal(result!.image, query);
    assert.equal(result!.neighbors.length, 5);

    const groups = await runCommand(['duplicates', photos(), '--threshold', '0.99999', '--json']);
    assert.deepEqual(
      (JSON.parse(groups.stdout) as Neighbors[]).map((group) => group.map(({ id }) => id)),
      [['b.png', 'sub/b copy.png']],
    );
    const table = await runCommand(['duplicates', photos(), '--threshold', '0.99999']);
    assert.match(table.stdout, /^2 images\ncosine[^]*\n1 group of 2 of 5 images\n$/);
  });

  it("use the index's size and crop, and refuse others", async () => {
    const created = await index(...model(), '--size', '64', '--crop', '1');
    assert.match(created.model, /^resnet18_swsl@sha256:[0-9a-f]{16} --size 64 --crop 1$/);
    const query = join(photos(), 'b.png');
    const search = (...args: string[]) =>
      runCommand(['search', query, '--index', photos(), '-k', '1', '--json', ...args]);
    const { stdout } = await search(...model());
    const [result] = JSON.parse(stdout) as { neighbors: Neighbors }[];
    assert.ok(Math.abs(result!.neighbors[0]!.score - 1) < 1e-5);
    const { code, stderr } = await search(...model(), '--size', '96');
    assert.notEqual(code, 0);
    assert.match(stderr, /--size 64 --crop 1, but the model selected is .* --size 96 --crop 1\./);
    assert.match(stderr, /with the same --size and --crop/);
  });

  it('refuse another model, and say which to use', async () => {
    await index(...model());
    const other = join(directory.path, 'other.safetensors');
    await copyFile(generated.weights, other);
    for (const [args, message] of [
      [
        ['--model', 'resnet18_ssl'],
        /embeddings of resnet18_swsl@sha256:.*selected is resnet18_ssl\. /,
      ],
      [[], /Pass the file of that model as --model or --weights/],
    ] as const) {
      for (const command of [
        ['index', photos()],
        ['search', 'x.jpg', '--index', photos()],
      ]) {
        const { code, stderr } = await runCommand([...command, ...args]);
        assert.equal(code, 1);
        assert.match(stderr, message);
        assert.match(stderr, /\(ERR_SEMISUP_INDEX_MODEL\)\n$/);
      }
    }
    // The same weights in another file.
    const same = ['search', join(photos(), 'a.png'), '--index', photos(), '--weights', other];
    assert.equal((await runCommand([...same, '-m', 'resnet18_swsl'])).code, 0);
  });

  it('have typed errors for what does not exist', async () => {
    for (const [args, code, text] of [
      [['index', join(directory.path, 'no')], 1, /is not a directory/],
      [['index', generated.directory], 1, /contains no images/],
      [['search', 'x.jpg', '--index', photos()], 1, /ERR_SEMISUP_INDEX_NOT_FOUND/],
      [['duplicates', photos()], 1, /ERR_SEMISUP_INDEX_NOT_FOUND/],
      [['duplicates', join(photos(), 'a.png')], 1, /ERR_SEMISUP_INDEX_FORMAT/],
      [['duplicates', photos(), '--treshold', '1'], 2, /unknown option/],
      [['index', photos(), '--vectors', 'int8'], 2, /float32, bfloat16/],
    ] as const) {
      const result = await runCommand(args);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, text);
    }
    for (const name of ['a.png', 'b.png', 'c.jpg', 'sub']) {
      await rm(join(photos(), name), { recursive: true });
    }
    const { code, stderr } = await runCommand(['index', photos(), ...model()]);
    assert.equal(code, 1);
    assert.match(stderr, /was not created, because none of the images could be read/);
    assert.deepEqual(await readdir(photos()), ['broken.jpg']);
  });

  it('save what they have when they are interrupted, and go on', async () => {
    // Its error is printed when the first images have been computed.
    await rename(join(photos(), 'broken.jpg'), join(photos(), '0.jpg'));
    await fillWithCopies();
    const { child, stderr, closed } = start([photos()]);
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    assert.deepEqual(await closed, [null, 'SIGINT'], stderr());
    let size: number;
    {
      await using opened = await ImageIndex.open(join(photos(), '.semisup-index'));
      size = opened.size;
    }
    assert.ok(size > 0 && size < 405, `${size}`);
    const { unchanged, added, failed } = await index(...model());
    assert.deepEqual([unchanged, added, failed.length], [size, 405 - size, 1]);
  });

  it('wait for each other, and keep what both have added', async function () {
    if (process.platform === 'win32') {
      this.test!.title += ' (skipped: Windows cannot suspend a process)';
      this.skip();
    }
    const out = join(directory.path, 'all.index');
    const first = start([join(photos(), 'sub'), '--out', out]);
    await locked(out, first);
    first.child.kill('SIGSTOP');
    const second = start([photos(), '--out', out]);
    while (!second.stderr().includes('\n')) await once(second.child.stderr, 'data');
    const notice = `Waiting for the lock ${out}.lock, held by process ${first.child.pid} on host `;
    assert.ok(second.stderr().startsWith(notice), second.stderr());
    first.child.kill('SIGCONT');
    for (const { closed, stderr } of [first, second]) {
      assert.deepEqual(await closed, [0, null], stderr());
    }
    const [one, two] = [first, second].map(({ stdout }) => JSON.parse(stdout()) as Summary);
    assert.deepEqual([one!.added, two!.added, two!.unchanged, two!.size], [2, 3, 2, 5]);
    assert.ok(!(await readdir(directory.path)).includes('all.index.lock'));
  });

  it('go on after a process that was killed', async () => {
    const killed = start([photos()]);
    const path = join(photos(), '.semisup-index');
    await locked(path, killed);
    killed.child.kill('SIGKILL');
    await killed.closed;
    assert.ok((await readdir(photos())).includes('.semisup-index.lock'));
    assert.equal((await index(...model())).added, 5);
    assert.ok(!(await readdir(photos())).includes('.semisup-index.lock'));
  });

  it('do not write an index whose lock was taken over', async () => {
    // Far more than are computed until the next heartbeat.
    await fillWithCopies();
    const suspended = start([photos()]);
    const path = join(photos(), '.semisup-index');
    await locked(path, suspended);
    // As if the process had been suspended for so long that another one took its lock over.
    const other = { pid: 1, host: 'another', token: '0123456789abcdef' };
    await writeFile(`${path}.lock`, JSON.stringify(other));
    assert.deepEqual(await suspended.closed, [1, null]);
    assert.match(suspended.stderr(), /ERR_SEMISUP_LOCK_LOST/);
    assert.ok(!(await readdir(photos())).includes('.semisup-index'));
  });

  it('say before they compute that an index cannot be written', async () => {
    await mkdir(join(photos(), '.semisup-index.lock'));
    const { code, stderr } = await runCommand(['index', photos(), ...model()]);
    assert.equal(code, 1);
    assert.match(stderr, /^semisup: The index '.*' could not be locked: .*it is a directory/);
    assert.match(stderr, /\(ERR_SEMISUP_INDEX_WRITE\)\n$/);
  });
});
