import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { decode } from '../../src/image';
import { deadLeavesImages } from '../../src/image/dead-leaves';
import { ImageIndex } from '../../src/index';
import { findPhoto } from '../support/photos';
import { root } from '../support/run-node';
import { builds, electronOrSkip } from './support/builds';
import {
  answerDialogs,
  dropFiles,
  enginePid,
  installExample,
  quit,
  startApp,
  type RunningApp,
} from './support/example';
import type { Installation } from './support/installation';
import { ownLines } from './support/run-electron';

const clock = join(root, 'examples', 'clock.jpg');

describe(`examples/electron in Electron ${builds[42].version}`, function () {
  this.timeout(180_000);
  let installation: Installation;
  let run: RunningApp;
  let folder: string;
  let userData: string;
  let mirror: Server;
  before(async function () {
    const electron = await electronOrSkip(this, 42);
    installation = await installExample(electron);
    folder = await mkdtemp(join(tmpdir(), 'semisup-electron-photos-'));
    await writePhotos(folder);
    userData = await mkdtemp(join(tmpdir(), 'semisup-electron-data-'));
    // The weights of other models cannot be downloaded everywhere, so their downloads fail here.
    mirror = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    await once(mirror, 'listening');
    await start();
    await text('#status', 'resnet50_baseline');
  });
  after(async () => {
    run?.kill();
    mirror?.close();
    await installation?.remove();
    for (const directory of [folder, userData]) {
      if (directory) await rm(directory, { recursive: true, force: true });
    }
  });

  const start = async () => {
    const origin = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
    const env = { SEMISUP_WEIGHTS_MIRROR: origin, HF_ENDPOINT: origin };
    run = await startApp(installation, env, userData);
  };

  const chooseFolder = async () => {
    await run.page.getByRole('tab', { name: 'Search' }).click();
    await answerDialogs(run, [folder]);
    await run.page.getByRole('button', { name: 'Choose a folder' }).click();
  };

  /** The file with the index of the folder. */
  const indexFile = async () => {
    const directory = join(userData, 'indexes');
    const [name, ...others] = await readdir(directory);
    assert.deepEqual(others, []);
    return join(directory, name!);
  };

  /** Waits until an element has a text. */
  const text = async (selector: string, expected: string) => {
    await run.page.locator(selector, { hasText: expected }).first().waitFor();
  };

  it('isolates the page from Node and from other origins', async () => {
    const { page } = run;
    const globals = await page.evaluate(
      `['require', 'process', 'module', 'Buffer'].filter((name) => name in globalThis)`,
    );
    assert.deepEqual(globals, []);
    const isBlocked = await page.evaluate(`(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.wasRun = true';
      document.body.append(script);
      const fetched = await fetch('https://example.org').catch((error) => error.name);
      return { inline: 'wasRun' in window, fetched };
    })()`);
    assert.deepEqual(isBlocked, { inline: false, fetched: 'TypeError' });
    for (const [url, expected] of [
      ['app://ui/photo.svg', 'loaded'],
      ['app://ui/..%2fmain.js', 'EncodingError'],
      ['app://photos/..%2f..%2fetc%2fpasswd', 'EncodingError'],
    ] as const) {
      const outcome = await page.evaluate(`(async () => {
        const image = new Image();
        image.src = ${JSON.stringify(url)};
        return await image.decode().then(() => 'loaded', (error) => error.name);
      })()`);
      assert.equal(outcome, expected, url);
    }
  });

  it('classifies dropped photos', async () => {
    await dropFiles(run, [clock, join(folder, '0.png')]);
    const card = run.page.locator('.photo', { hasText: 'clock.jpg' });
    await card.locator('.predictions').waitFor();
    assert.equal(await card.locator('.predictions li').count(), 5);
    assert.equal(await card.locator('.label').first().textContent(), 'wall clock');
    assert.equal(await card.locator('.score').first().textContent(), '81.4 %');
    await run.page.locator('.photo', { hasText: '0.png' }).locator('.predictions').waitFor();
  });

  it('explains why a file cannot be classified', async () => {
    await answerDialogs(run, [join(folder, 'broken.jpg')]);
    await run.page.getByRole('button', { name: 'Choose photos…' }).click();
    await text('.photo .error', 'broken.jpg');
  });

  it('finds the photos of a folder that are similar to another photo', async () => {
    const { page } = run;
    await chooseFolder();
    const count = (await readdir(folder)).length;
    await text('#search .toolbar', `${count - 1} photos, 1 unreadable`);
    await page.getByRole('button', { name: '0.png', exact: true }).click();
    const best = page.locator('#search .grid li').first();
    await best.locator('.badge').waitFor();
    // The same picture, scaled.
    assert.equal(await best.locator('button').getAttribute('title'), '0-scaled.png');
    assert.ok(Number(await best.locator('.badge').textContent()) > 0.8);
    // A dropped photo is not in the index.
    const copy = join(userData, 'dropped.png');
    await copyFile(join(folder, '1.png'), copy);
    await dropFiles(run, [copy]);
    await text('#search .query h2', 'dropped.png');
    await page.locator('#search .grid li:first-child [title="1.png"]').waitFor();
    assert.equal(await best.locator('.badge').textContent(), '1.00');
  });

  it('is operated by the keyboard', async () => {
    const { page } = run;
    await page.getByRole('tab', { name: 'Search' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('#models').waitFor();
    assert.equal(
      await page.getByRole('tab', { name: 'Models' }).getAttribute('aria-selected'),
      'true',
    );
    assert.ok(await page.locator('#search').isHidden());
  });

  it('reports why a model was not loaded, and keeps the previous one', async () => {
    const { page } = run;
    await page.getByRole('button', { name: 'Use ResNet-50, semi-weakly supervised' }).click();
    const card = page.locator('[data-model=resnet50_swsl]');
    await card.locator('.error').waitFor();
    assert.match((await card.locator('.error').textContent())!, /could not be downloaded|404/);
    await text('[data-model=resnet50_baseline]', 'Active');
    await text('#status', 'resnet50_baseline');
  });

  it('swaps its model while it classifies', async () => {
    const { page } = run;
    await page.getByRole('tab', { name: 'Classify' }).click();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.evaluate(`window.app.useModel('resnet50_baseline')`);
    await dropFiles(
      run,
      Array.from({ length: 12 }, () => clock),
    );
    await page.locator('.predictions').nth(11).waitFor();
    const labels = await page.locator('.predictions li:first-child .label').allTextContents();
    assert.deepEqual(new Set(labels), new Set(['wall clock']));
  });

  it('restarts the engine after a crash', async () => {
    const { page } = run;
    process.kill(await enginePid(run), 'SIGKILL');
    await text('#status', 'Restarting…');
    await text('#status', 'resnet50_baseline');
    await page.getByRole('button', { name: 'Clear' }).click();
    await dropFiles(run, [clock]);
    await text('.predictions', 'wall clock');
    await page.getByRole('tab', { name: 'Search' }).click();
    await page.getByRole('button', { name: 'Index it' }).click();
    await text('#search .toolbar', '1 unreadable');
  });

  it('exits cleanly when its window is closed', async () => {
    await run.page.close();
    assert.deepEqual(await run.exit, { code: 0, signal: null });
    assert.deepEqual(ownLines(run.stderr()), ['The engine exited with code 9.']);
  });

  it('computes only new and changed photos when it is started again', async () => {
    const [kept, changed] = [join(folder, '1.png'), join(folder, '2.png')];
    const file = await indexFile();
    const embedding = new Float32Array(2048).fill(1);
    {
      // What the app would not compute.
      await using index = await ImageIndex.open(file);
      await index.add(
        [kept, changed].map((id) => ({ id, embedding, metadata: index.metadata(id)! })),
      );
      await index.save(file);
    }
    await copyFile(clock, changed);
    await copyFile(clock, join(folder, 'new.jpg'));
    await rm(join(folder, '0-scaled.png'));

    await start();
    await text('#status', 'resnet50_baseline');
    await chooseFolder();
    await text('#search .toolbar', '5 photos, 1 unreadable');
    await quit(run);
    assert.deepEqual(await run.exit, { code: 0, signal: null });

    await using index = await ImageIndex.open(file);
    const names = ['0.png', '1.png', '2.png', 'clock.jpg', 'new.jpg'];
    assert.deepEqual(
      index.ids().toSorted(),
      names.map((name) => join(folder, name)),
    );
    const similar = await index.search(embedding, { topk: 2 });
    assert.equal(similar[0]!.id, kept);
    assert.ok(similar[0]!.score > 0.999 && similar[1]!.score < 0.999);
    const clocks = await index.search((await index.embedding(changed))!, { topk: 3 });
    assert.deepEqual(
      clocks.map(({ score }) => score > 0.999),
      [true, true, true],
    );
  });
});

/** Photos, if there are any, else synthetic images; a scaled copy of the first; a file that is no image. */
async function writePhotos(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await copyFile(clock, join(folder, 'clock.jpg'));
  await writeFile(join(folder, 'broken.jpg'), 'not an image');
  const photos = ['n01440764_tench.JPEG', 'n01820546_lorikeet.JPEG', 'n02007558_flamingo.JPEG'];
  const leaves = await deadLeavesImages(photos.length);
  for (const [i, name] of photos.entries()) {
    const photo = findPhoto(name);
    const { data, width, height } = photo ? await decode(photo) : leaves[i]!;
    const image = sharp(data, { raw: { width, height, channels: 3 } });
    await image.clone().toFile(join(folder, `${i}.png`));
    if (i === 0)
      await image.resize({ width: Math.round(width / 2) }).toFile(join(folder, '0-scaled.png'));
  }
}
