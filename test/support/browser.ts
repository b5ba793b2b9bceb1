import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

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
