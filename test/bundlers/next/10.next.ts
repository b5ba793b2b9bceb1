import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Classifier } from '../../../src/classify';
import { writeConfiguration } from '../../support/bundler-configuration';
import { libTorchDirectory } from '../../support/libtorch-directory';
import { installPackages, noRegistry } from '../../support/npm-registry';
import { packPackage } from '../../support/packed-package';
import { saveClassifier } from '../../support/slot-models';

/** Some 300 MB, which is why this test is not part of `npm run test:bundlers`. */
const packages = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'];

/** Classifies an image of one color, in this process or, with `?isolate`, in a child process. */
const route = `
import { Classifier } from 'semisup';

export const dynamic = 'force-dynamic';

export async function GET(request) {
  const isolate = new URL(request.url).searchParams.has('isolate');
  const model = await Classifier.open(process.env.MODEL, { isolate, plan: 'untuned' });
  const data = new Uint8Array(3 * 50 * 40).fill(99);
  const [best] = await model.classify({ data, width: 50, height: 40, channels: 3 });
  await model.close();
  return Response.json(best);
}
`;

const reason = noRegistry();

(reason ? describe.skip : describe)(
  `a standalone server of Next.js${reason ? ` (skipped: ${reason})` : ''}`,
  function () {
    this.timeout(900_000);
    let directory: string;
    let server: ChildProcess;
    let origin: string;
    let expected: unknown;
    let output = '';
    const at = (...path: string[]) => join(directory, ...path);

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
      const model = await saveClassifier(at('model.pt'), 2);
      await using classifier = await Classifier.open(model, { plan: 'untuned' });
      const data = new Uint8Array(3 * 50 * 40).fill(99);
      [expected] = await classifier.classify({ data, width: 50, height: 40, channels: 3 });
      const app = at('app');
      await installPackages(app, [packPackage(directory), ...packages]);
      await writeConfiguration(app, 'next.config.mjs');
      await mkdir(join(app, 'app', 'classify'), { recursive: true });
      await writeFile(join(app, 'app', 'classify', 'route.js'), route);
      const next = join(app, 'node_modules', 'next', 'dist', 'bin', 'next');
      const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' };
      await promisify(execFile)(process.execPath, [next, 'build'], { cwd: app, env });

      // Without the node_modules of the application: only the files that Next.js has traced.
      await rename(join(app, '.next', 'standalone'), at('standalone'));
      await rm(app, { recursive: true });
      const port = await freePort();
      origin = `http://127.0.0.1:${port}`;
      server = spawn(process.execPath, ['server.js'], {
        cwd: at('standalone'),
        env: {
          ...env,
          ...{ PORT: String(port), HOSTNAME: '127.0.0.1' },
          ...{ MODEL: model, SEMISUP_LIBTORCH: libTorchDirectory() },
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [server.stdout!, server.stderr!]) {
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      }
    });

    after(async () => {
      if (server?.exitCode === null && server.signalCode === null) {
        server.kill();
        await once(server, 'exit');
      }
      await rm(directory, { recursive: true, force: true });
    });

    /** Waits until the server listens. */
    async function get(path: string): Promise<unknown> {
      for (;;) {
        try {
          const response = await fetch(`${origin}${path}`);
          assert.equal(response.status, 200, output);
          return await response.json();
        } catch (error) {
          if (!(error instanceof TypeError) || server.exitCode !== null) throw error;
          await sleep(100);
        }
      }
    }

    it('answers a route handler with the documented configuration', async () => {
      assert.deepEqual(await get('/classify'), expected);
    });

    it('contains the program of isolated models', async () => {
      assert.deepEqual(await get('/classify?isolate'), expected);
    });
  },
);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
