import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { generatedWeights } from '../support/generated-weights';
import { root, runCommand } from '../support/run-node';

/** A browser of the system. */
const browserPath = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/usr/bin/chromium-browser',
].find((path) => existsSync(path));

describe('examples/similar', function () {
  this.timeout(180_000);
  const generated = generatedWeights();
  let server: ChildProcess | undefined;
  let browser: Browser | undefined;
  let origin: string;
  let photos: string;

  before(async function () {
    if (browserPath === undefined) {
      this.test!.parent!.title += ' (skipped: needs Chromium, e.g. apt-get install chromium)';
      this.skip();
    }
    photos = join(generated.directory, 'photos');
    await mkdir(photos);
    for (let i = 0; i < 8; i++) {
      const data = Buffer.from(
        Array.from({ length: 48 }, (_, j) => ((i >> 1) * 7919 + j * j * 131 + (i % 2)) % 256),
      );
      await sharp(data, { raw: { width: 4, height: 4, channels: 3 } })
        .resize(120, 90, { kernel: 'cubic', fit: 'fill' })
        .toFile(join(photos, `${i}.png`));
    }
    const model = ['--model', 'resnet18_swsl', '--weights', generated.weights];
    const { code, stderr } = await runCommand(['index', photos, ...model]);
    assert.equal(code, 0, stderr);
    server = spawn(process.execPath, [join(root, 'examples', 'similar', 'server.mjs'), photos], {
      env: { ...process.env, PORT: '0', WEIGHTS: generated.weights, NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    origin = line.toString().trim();
    // Chromium's sandbox does not run as root.
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser?.close();
    server?.kill('SIGKILL');
  });

  async function open(width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
    const page = await browser!.newPage({ viewport: { width, height: 800 }, colorScheme });
    await page.goto(origin);
    await page.waitForSelector('#photos button');
    return page;
  }

  // Expressions as text: the types of the DOM are not those of this program.
  const namesOf = (page: Page) =>
    page.evaluate<string[]>(`[...document.querySelectorAll('#photos button')].map((b) => b.title)`);

  it('shows the photos that are similar to one that is selected', async () => {
    const page = await open(1200, 'light');
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    assert.deepEqual(
      await namesOf(page),
      Array.from({ length: 8 }, (_, i) => `${i}.png`),
    );
    await page.click('#photos button[title="4.png"]');
    await page.waitForSelector('#status:text("The 7 most similar photos")');
    const names = await namesOf(page);
    assert.equal(names.length, 7);
    assert.equal(names[0], '5.png');
    assert.match(await page.innerText('#photos button span'), /^\d\.\d\d\s+5\.png$/);
    await page.waitForFunction(
      '[...document.images].every(({ complete, naturalWidth }) => complete && naturalWidth === 120)',
    );
    await page.click('#all');
    await page.waitForSelector('#status:text("8 photos")');
    assert.deepEqual(errors, []);
    await page.close();
  });

  it('searches for a photo that is uploaded, and names the problem of another file', async () => {
    const page = await open(1200, 'dark');
    await page.setInputFiles('input', join(photos, '6.png'));
    await page.waitForSelector('#status:text("The 8 most similar photos")');
    assert.deepEqual((await namesOf(page)).slice(0, 2), ['6.png', '7.png']);
    await page.setInputFiles('input', __filename);
    await page.waitForSelector('#status:text("is not a supported image")');
    assert.deepEqual(await namesOf(page), []);
    await page.close();
  });

  it('fits a phone, and follows the color scheme', async () => {
    const colors = new Set<string>();
    for (const [width, scheme] of [
      [360, 'light'],
      [1200, 'light'],
      [360, 'dark'],
    ] as const) {
      const page = await open(width, scheme);
      await page.click('#photos button');
      await page.waitForSelector('#status:text("most similar")');
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - innerWidth',
      );
      assert.ok(overflow <= 0, `${overflow}`);
      colors.add(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'));
      await page.close();
    }
    assert.equal(colors.size, 2);
  });

  it('serves only the photos of the index', async () => {
    for (const id of ['.semisup-index', '../weights.safetensors', '/etc/passwd', '9.png', '']) {
      const { status } = await fetch(`${origin}/photo?id=${encodeURIComponent(id)}`);
      assert.equal(status, 404, id);
    }
    assert.equal((await fetch(`${origin}/nothing`)).status, 404);
    const tooLarge = { method: 'POST', body: new Uint8Array((32 << 20) + 1) };
    const response = await fetch(`${origin}/similar`, tooLarge);
    assert.equal(response.status, 413);
  });
});
