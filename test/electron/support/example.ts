import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { root } from '../../support/run-node';
import { install, switches, type Installation } from './installation';

/** The example app, running. */
export interface RunningApp {
  readonly app: ElectronApplication;
  readonly page: Page;
  /** What the app has written to stderr so far. */
  stderr(): string;
  /** Ends the app, if it has not exited. */
  kill(): void;
  /** Resolves when the app has exited. */
  readonly exit: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** Installs the example app unpacked. @param electron the path of Electron's executable */
export async function installExample(electron: string): Promise<Installation> {
  const installation = await install(electron);
  const app = join(installation.resources, 'app');
  const source = join(root, 'examples', 'electron');
  await mkdir(join(app, 'node_modules'), { recursive: true });
  for (const name of ['src', 'package.json']) {
    await cp(join(source, name), join(app, name), { recursive: true });
  }
  await symlink(root, join(app, 'node_modules', 'semisup'));
  return installation;
}

/**
 * Starts the app, and waits for its window.
 *
 * @param userData the directory of the app's data; by default, one of its own that is removed when it exits
 */
export async function startApp(
  { executable }: Installation,
  env: NodeJS.ProcessEnv = {},
  userData?: string,
): Promise<RunningApp> {
  const data = userData ?? (await mkdtemp(join(tmpdir(), 'semisup-electron-')));
  const app = await _electron.launch({
    executablePath: executable,
    args: [...switches, `--user-data-dir=${data}`],
    env: { ...process.env, ...env } as Record<string, string>,
    timeout: 60_000,
  });
  let stderr = '';
  const child = app.process();
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exit = new Promise<Awaited<RunningApp['exit']>>((resolve) => {
    child.once('exit', (code, signal) => {
      if (userData === undefined) void rm(data, { recursive: true, force: true });
      resolve({ code, signal });
    });
  });
  const page = await app.firstWindow();
  page.setDefaultTimeout(60_000);
  const kill = () => {
    child.kill('SIGKILL');
  };
  return { app, page, stderr: () => stderr, kill, exit };
}

/** Drops files on the window, as the desktop does. */
export async function dropFiles({ page }: RunningApp, files: readonly string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...files], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 400, y: 400, data });
  }
  await session.detach();
}

/** The part of Electron's main-process API that the tests use; the package `electron` is not installed. */
interface ElectronApi {
  readonly app: {
    quit(): void;
    getAppMetrics(): { readonly name?: string; readonly pid: number }[];
  };
  readonly dialog: {
    showOpenDialog(): Promise<{ readonly canceled: boolean; readonly filePaths: string[] }>;
  };
}

/** Answers the next dialogs for files or folders. */
export async function answerDialogs({ app }: RunningApp, paths: readonly string[]): Promise<void> {
  await app.evaluate(({ dialog }: ElectronApi, filePaths) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [...filePaths] });
  }, paths);
}

/** The process id of the engine. */
export async function enginePid({ app }: RunningApp): Promise<number> {
  return await app.evaluate(
    ({ app }: ElectronApi) => app.getAppMetrics().find(({ name }) => name === 'Engine')!.pid,
  );
}

/** Quits as the menu does. */
export async function quit({ app }: RunningApp): Promise<void> {
  await app.evaluate(({ app }: ElectronApi) => {
    // After the answer, which would otherwise fail.
    setTimeout(() => {
      app.quit();
    }, 10);
  });
}
