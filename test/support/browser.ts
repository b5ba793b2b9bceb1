import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The path of Chromium, or undefined if it is not installed. */
function findChromium(): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter);
  const paths = directories.flatMap((directory) => names.map((name) => join(directory, name)));
  return paths.find((path) => existsSync(path));
}

/** Starts a browser without a window. Skips the test if none is installed, and appends the reason to the title. */
export async function browserOrSkip(test: Mocha.Context): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    test.test!.title += ' (skipped: Chromium is not installed)';
    return test.skip();
  }
  // Without a sandbox, as root of a container.
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/**
 * Opens a report at the width of a desktop and of a phone, light and dark, and checks that it has no errors, needs no network,
 * and is not wider than the window.
 */
export async function inEveryView(
  browser: Browser,
  path: string,
  check: (page: Page) => Promise<void>,
): Promise<void> {
  for (const width of [1280, 390]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => problems.push(message.text()));
      page.on('request', (request) => {
        if (/^https?:/.test(request.url())) problems.push(request.url());
      });
      await page.goto(pathToFileURL(path).href);
      await check(page);
      assert.deepEqual(problems, []);
      const [scrollWidth, innerWidth, background] = await page.evaluate<[number, number, string]>(
        '[document.documentElement.scrollWidth, innerWidth, getComputedStyle(document.body).backgroundColor]',
      );
      assert.equal(scrollWidth, innerWidth);
      assert.equal(background === 'rgb(250, 251, 252)', colorScheme === 'light');
      await page.close();
    }
  }
}
