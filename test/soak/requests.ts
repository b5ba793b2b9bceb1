import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import {
  Classifier,
  ScriptModule,
  Tensor,
  type ImageFailure,
  type ImageInput,
  type ModelSlot,
  type SemisupError,
} from '../../src';
import { favorite, type BadImage, type GoodImage } from './inputs';
import type { Random } from '../support/random';

/** What the requests use. */
export interface Context {
  readonly slot: ModelSlot;
  /** A model with small bounds, which refuses calls when it is saturated. */
  readonly bounded: Classifier;
  readonly models: readonly [string, string];
  readonly good: readonly GoodImage[];
  readonly bad: readonly BadImage[];
  readonly random: Random;
  /** The class that the first model predicts for each good image. */
  readonly expected: ReadonlyMap<GoodImage, number>;
}

/** Sends a request and checks its outcome; returns a word for the report. */
export type Request = (context: Context) => Promise<string>;

/** The kinds of requests, and how often they are sent relative to each other. */
export const requests: Readonly<Record<string, readonly [weight: number, send: Request]>> = {
  'classify a file': [20, (context) => classifyOne(context, ({ path }) => path)],
  'classify bytes': [10, (context) => classifyOne(context, ({ bytes }) => bytes)],
  'classify a stream': [5, (context) => classifyOne(context, ({ path }) => createReadStream(path))],
  'classify pixels': [5, classifyPixels],
  'classify an array': [3, classifyArray],
  embed: [8, embed],
  logits: [4, logits],
  forward: [8, forward],
  abort: [10, abort],
  'bad image': [15, badImage],
  'bad images among good ones': [3, partlyBad],
  'open, call and close': [1, openAndClose],
  'exceed a bound': [1, exceedBound],
  'load and save a module': [1, saveModule],
};

async function classifyOne(
  context: Context,
  input: (image: GoodImage) => ImageInput,
): Promise<string> {
  const image = context.random.pick(context.good);
  const result = await context.slot.classifyDetailed(input(image), { topk: 1 });
  checkPrediction(context, image, result.source, result.predictions[0]!.index);
  return 'answered';
}

function checkPrediction(context: Context, image: GoodImage, source: string, index: number): void {
  const expected = source === context.models[1] ? favorite : context.expected.get(image);
  assert.equal(index, expected, `${image.path} with ${source}`);
}

async function classifyPixels({ slot, random }: Context): Promise<string> {
  const side = 1 + random.below(400);
  const image = {
    data: Buffer.alloc(side * side * 3, 100),
    width: side,
    height: side,
    channels: 3,
  };
  const [best] = await slot.classify(image as ImageInput);
  assert.ok(best!.score > 0 && best!.score <= 1);
  return 'answered';
}

async function classifyArray(context: Context): Promise<string> {
  const images = Array.from({ length: 16 }, () => context.random.pick(context.good));
  const results = await context.slot.classifyDetailed(
    images.map(({ path }) => path),
    { topk: 1 },
  );
  for (const [i, { source, predictions }] of results.entries()) {
    checkPrediction(context, images[i]!, source, predictions[0]!.index);
  }
  return 'answered';
}

async function embed({ slot, good, random }: Context): Promise<string> {
  const embedding = await slot.embed(random.pick(good).bytes);
  assert.equal(embedding.length, 512);
  assert.ok(embedding.every(Number.isFinite));
  return 'answered';
}

async function logits({ slot, good, random }: Context): Promise<string> {
  using output = await slot.logits([random.pick(good).path, random.pick(good).path]);
  assert.deepEqual(output.shape, [2, 1000]);
  return 'answered';
}

async function forward({ slot, random }: Context): Promise<string> {
  const n = 1 + random.below(4);
  using input = Tensor.from(new Float32Array(n * 3 * 224 * 224).fill(0.1), [n, 3, 224, 224]);
  using output = await slot.forward(input);
  assert.deepEqual(output.shape, [n, 1000]);
  return 'answered';
}

async function abort({ slot, good, random }: Context): Promise<string> {
  const signal = AbortSignal.timeout(random.below(40));
  try {
    await slot.classify([random.pick(good).path, random.pick(good).bytes], { signal });
    return 'answered';
  } catch (error) {
    assert.equal(error, signal.reason);
    return 'aborted';
  }
}

async function badImage({ slot, bad, random }: Context): Promise<string> {
  const { image, code } = random.pick(bad);
  await assert.rejects(slot.classify(image), (error: SemisupError) => code.test(error.code));
  return 'refused';
}

async function partlyBad(context: Context): Promise<string> {
  const { slot, good, bad, random } = context;
  const { image, code } = random.pick(bad);
  const paths = [random.pick(good).path, image, random.pick(good).path];
  const results = await slot.classify(paths, { onError: 'return' });
  assert.ok(Array.isArray(results[0]) && Array.isArray(results[2]));
  const failure = results[1] as ImageFailure;
  assert.match(failure.code, code);
  return 'answered';
}

async function openAndClose({ models, good, random }: Context): Promise<string> {
  const model = await Classifier.open(random.pick(models), { plan: 'interpreter' });
  const calls = Array.from({ length: 4 }, () => model.classify(random.pick(good).path));
  await Promise.all([model.close(), Promise.allSettled(calls)]);
  await assert.rejects(model.classify(good[0]!.path), { code: 'ERR_SEMISUP_DISPOSED' });
  return 'answered';
}

async function exceedBound({ bounded, good, random }: Context): Promise<string> {
  const calls = Array.from({ length: 8 }, () => bounded.classify(random.pick(good).path));
  const results = await Promise.allSettled(calls);
  const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  for (const { reason } of refused) assert.equal((reason as SemisupError).code, 'ERR_SEMISUP_BUSY');
  return refused.length > 0 ? 'refused' : 'answered';
}

async function saveModule({ models, random }: Context): Promise<string> {
  const module = await ScriptModule.load(await readFile(random.pick(models)));
  const path = `${models[0]}.${random.below(1e9)}.pt`;
  await module.save(path);
  await module.close();
  assert.ok((await stat(path)).size > 40e6);
  await rm(path);
  return 'answered';
}
