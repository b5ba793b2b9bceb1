import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLibTorch } from '../../src/libtorch';
import { saveGeneratedModel } from './generated-model';
import { generatedState } from './generated-checkpoint';
import { root } from './run-node';
import { saveClassifier, saveNet } from './slot-models';
import { writeSafetensors } from './write-safetensors';

/** How a process ends. */
export interface Ending {
  /** The exit code; 0 by default. */
  readonly code?: number;
  /** The signal that ends it instead. */
  readonly signal?: NodeJS.Signals;
  /** The expected stderr; empty by default. */
  readonly stderr?: RegExp;
}

/** A program and how it runs. */
export interface Run extends Ending {
  /** Flags of Node. */
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** How often it runs; once by default. */
  readonly times?: number;
  /** The maximum duration in milliseconds; after that the process is killed and the test fails. */
  readonly timeout?: number;
}

/** The number of processes that run at the same time. */
const concurrency = 2;

/** A directory of small models for a suite; a fresh cache, so that plans are tuned. */
export function lifecycleModels(): { directory: string; env: NodeJS.ProcessEnv } {
  const models = { directory: '', env: {} };
  before(async function () {
    this.timeout(60_000);
    const directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    await saveNet(join(directory, 'net.pt'), 3);
    await saveClassifier(join(directory, 'one.pt'), 1);
    await saveClassifier(join(directory, 'two.pt'), 2);
    await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    await writeSafetensors(generatedState('resnet18'), join(directory, 'resnet18.safetensors'));
    models.directory = directory;
    models.env = {
      ...process.env,
      MODELS: directory,
      SEMISUP_LIBTORCH: (await findLibTorch()).dir,
      SEMISUP_OFFLINE: '1',
      TORCH_HOME: join(directory, 'torch'),
      XDG_CACHE_HOME: join(directory, 'cache'),
    };
  });
  after(async () => {
    await rm(models.directory, { recursive: true, force: true });
  });
  return models;
}

/** Source text that the programs of child processes and workers start with. They use the built package. */
export const prelude = `
  const { join } = require('node:path');
  const { once } = require('node:events');
  const { setTimeout: sleep } = require('node:timers/promises');
  const { Worker, isMainThread, parentPort } = require('node:worker_threads');
  const { hub, Classifier, ModelSlot, ScriptModule, Tensor, memory } = require(${JSON.stringify(root)});
  const file = (name) => join(process.env.MODELS, name);
  const photo = ${JSON.stringify(join(root, 'examples', 'clock.jpg'))};
  const square = (side, level = 200) => ({ data: Buffer.alloc(side * side * 3, level), width: side, height: side, channels: 3 });
  const ones = () => Tensor.from(new Float32Array(12).fill(1), [1, 3, 2, 2]);
  const large = () => Tensor.from(new Float32Array(3 * 512 * 512), [1, 3, 512, 512]);
  const ignore = () => undefined;
`;

/** The statements that check that the main thread still works. */
export const checkMainThread = `
  {
    const net = await ScriptModule.load(file('net.pt'));
    const [first] = (await net.forward(ones())).dataSync();
    if (first !== 21) throw new Error('received ' + first);
    await net.close();
  }
`;

/**
 * Runs a program and requires that it ends as expected within the time limit.
 *
 * @returns its standard output, of each run
 */
export async function run(program: string, options: Run = {}): Promise<string[]> {
  const { code = 0, signal = null, stderr = /^$/, times = 1 } = options;
  const outputs: string[] = [];
  let started = 0;
  const runInTurn = async () => {
    while (started++ < times) {
      const result = await runOnce(program, options);
      const status = { code: result.code, signal: result.signal };
      assert.deepEqual(status, { code: signal === null ? code : null, signal }, result.stderr);
      assert.match(result.stderr, stderr);
      assert.doesNotMatch(result.stderr, /terminate called|FATAL ERROR|\(node:\d+\)/);
      outputs.push(result.stdout);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runInTurn));
  return outputs;
}

async function runOnce(program: string, { flags = [], env, timeout = 30_000 }: Run) {
  const child = spawn(process.execPath, [...flags, '--eval', program], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => {
    stderr += `The process was killed after ${timeout} ms.`;
    child.kill('SIGKILL');
  }, timeout);
  return await new Promise<Required<Omit<Ending, 'stderr'>> & { stdout: string; stderr: string }>(
    (resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ code: code!, signal: signal!, stdout, stderr });
      });
    },
  );
}
