import { mkdirSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { modelFile } from '../../../src/hub/cache';
import { card } from '../../../src/models';
import type { FileOrigin } from '../../../src/models/checkpoint-origin';
import { sha256File } from '../../../src/net/hash';
import { file, sha256, someBytes, type RequestHandler } from '../../support/http-server';
import { wheelFiles, writeWheel } from '../../support/fake-libtorch';
import { generatedWeights } from '../../support/generated-weights';
import { fastRetries } from '../../support/download';
import { temporaryDirectory } from '../../support/temporary';
import { setEnvironment, temporaryEnvironment } from '../../support/environment';
import { runOperation, type Operation } from './operations';

/** An operation whose faults are tested, and what is right after it. */
export interface Case {
  readonly operation: Operation;
  /** What a process that runs it needs. */
  readonly env: NodeJS.ProcessEnv;
  /** Where it writes. */
  readonly directory: string;
  /** The names there before it and after it, and a digest of the result. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  digest(): Promise<string>;
  /** Removes the result. */
  reset(): Promise<void>;
}

/** Sends a file in pieces with a pause after each, so that a download takes a while. */
function slowFile(bytes: Buffer): RequestHandler {
  const piece = 64 * 1024;
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = bytes.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      etag: '"1"',
      'content-length': body.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    let at = 0;
    const next = () => {
      if (at >= body.length) {
        response.end();
        return;
      }
      response.write(body.subarray(at, (at += piece)));
      setTimeout(next, 3);
    };
    next();
  };
}

/** The cases of a suite, with a server, a checkpoint and a wheel. */
export function setting() {
  const directory = temporaryDirectory();
  const generated = generatedWeights();
  const bytes = someBytes(4 * 2 ** 20);
  const state = { requests: 0, handler: slowFile(bytes) };
  let server: Server;
  temporaryEnvironment(() => ({
    SEMISUP_OFFLINE: undefined,
    SEMISUP_TRUST_CACHE: undefined,
    SEMISUP_WEIGHTS_MIRROR: undefined,
    LIBTORCH_USE_PYTORCH: undefined,
    HF_ENDPOINT: 'http://127.0.0.1:1',
  }));
  beforeEach(async () => {
    state.requests = 0;
    state.handler = slowFile(bytes);
    server = createServer((request, response) => {
      state.handler(request, response, state.requests++);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const withoutResults = (where: string, kept: readonly string[]) => async () => {
    for (const name of await readdir(where)) {
      if (!kept.includes(name)) await rm(join(where, name), { recursive: true });
    }
  };

  const cases = {
    download(into = directory.path): Case {
      const hash = sha256(bytes);
      const name = `weights-${hash.slice(0, 8)}.pth`;
      const where = join(into, 'checkpoints');
      mkdirSync(where, { recursive: true });
      return {
        operation: {
          kind: 'download',
          hubDir: into,
          retryPolicy: { ...fastRetries, idleTimeout: 1_000 },
          origin: {
            kind: 'file',
            file: name,
            sha256Prefix: hash.slice(0, 8),
            url: `${origin()}/${name}`,
            safetensors: { repo: 'none/none' },
          },
        },
        env: {},
        directory: where,
        before: [],
        after: [name],
        digest: () => sha256File(join(where, name)),
        reset: withoutResults(where, []),
      };
    },

    async build(into = directory.path): Promise<Case> {
      const where = join(into, 'checkpoints');
      const checkpoint = join(where, 'weights.safetensors');
      await mkdir(where, { recursive: true });
      await copyFile(generated.weights, checkpoint);
      const sha256Prefix = (await sha256File(checkpoint)).slice(0, 8);
      const model = card('resnet18_swsl');
      const origin = { ...(model.origin as FileOrigin), sha256Prefix };
      const built = basename(modelFile({ ...model, origin }, into, 'pt'));
      const before = [basename(checkpoint)];
      return {
        operation: {
          kind: 'build',
          hubDir: into,
          origin: { file: basename(checkpoint), sha256Prefix },
        },
        env: {},
        directory: where,
        before,
        after: [built, `${built}.sha256`, basename(checkpoint)].sort(),
        digest: () => sha256File(join(where, built)),
        reset: withoutResults(where, before),
      };
    },

    async export(into = directory.path): Promise<Case> {
      const target = join(into, 'exports', 'model.pt');
      await mkdir(dirname(target), { recursive: true });
      return {
        operation: { kind: 'export', weights: generated.weights, target },
        env: {},
        directory: dirname(target),
        before: [],
        after: [basename(target)],
        digest: () => sha256File(target),
        reset: withoutResults(dirname(target), []),
      };
    },

    async install(into = directory.path): Promise<Case> {
      const files = { ...wheelFiles, 'torch/lib/libtorch_cpu.so': 'x'.repeat(8 * 2 ** 20) };
      const { bytes: content, ...wheel } = await writeWheel(directory.path, files);
      state.handler = slowFile(content);
      const where = join(into, 'xdg', 'semisup', 'libtorch');
      await mkdir(where, { recursive: true });
      // Of the installation alone: elsewhere the real LibTorch is needed.
      const env = {
        XDG_CACHE_HOME: join(into, 'xdg'),
        SEMISUP_LIBTORCH_MIRROR: origin(),
        PATH: '/nowhere',
      };
      return {
        operation: { kind: 'install', wheel },
        env,
        directory: where,
        before: [],
        after: ['2.13.0-cpu'],
        digest: () => sha256File(join(where, '2.13.0-cpu', 'lib', 'libtorch_cpu.so')),
        reset: withoutResults(where, []),
      };
    },
  };

  return { directory, state, bytes, file, cases };
}

/** Runs an operation in this process. */
export async function runHere({ operation, env }: Case): Promise<string> {
  const previous = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  setEnvironment(env);
  try {
    return await runOperation(operation);
  } finally {
    setEnvironment(previous);
  }
}
