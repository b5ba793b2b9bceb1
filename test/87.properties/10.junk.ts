/* eslint-disable @typescript-eslint/unbound-method -- static methods, which do not use `this` */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  Classifier,
  hub,
  ImageIndex,
  libtorch,
  ModelSlot,
  renderHeatMap,
  renderOverlay,
  ScriptModule,
  SemisupError,
  setThreads,
  Tensor,
} from '../../src';
import { indicesOfLayers } from '../../src/classify/features-options';
import { junk, junkOptions, type Recipe } from '../support/junk';
import { image, saveClassifier, saveNet } from '../support/slot-models';

/** Printed with a counterexample; change it to search elsewhere. */
const seed = 20_260_101;
const runs = 40;
/** How long a call may take before it counts as hanging, in milliseconds: the machine may be busy. */
const maxTime = 30_000;
/** At most 200 characters of each value, and the text around them. */
const maxMessage = 2500;

const modelOptions = ['device', 'threads', 'instances', 'precision', 'plan', 'tolerance', 'calibration', 'decode', 'limits', 'size', 'crop', 'signal']; // prettier-ignore
const hubOptions = [
  'hubDir',
  'forceReload',
  'offline',
  'onProgress',
  'signal',
  'weights',
  'numClasses',
];
const imageOptions = ['topk', 'orient', 'signal', 'onError', 'normalize', 'views', 'temperature', 'class', 'layer']; // prettier-ignore

/** A function of the package with junk for its arguments. */
type Call = (...args: never[]) => unknown;

/** Calls `call`; only a result or a `SemisupError` with a message of bounded length is allowed. */
async function check(call: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('the call hangs'));
    }, maxTime);
  });
  try {
    const result = await Promise.race([(async () => await call())(), timeout]);
    if (result instanceof Tensor) result.dispose();
    else if (result instanceof Classifier || result instanceof ScriptModule) await result.close();
    else if (result instanceof ModelSlot || result instanceof ImageIndex) await result.close();
  } catch (error) {
    if (!(error instanceof SemisupError)) throw error;
    assert.ok(error.message.length < maxMessage, `a message of ${error.message.length} characters`);
    assert.ok(!error.message.includes('\0'), 'NUL in a message');
  } finally {
    clearTimeout(timer);
  }
}

describe('junk arguments raise only typed errors', function () {
  this.timeout(600_000);
  const previous = { directory: process.cwd(), offline: process.env.SEMISUP_OFFLINE };
  let directory: string;
  let classifier: Classifier;
  let module: ScriptModule;
  let slot: ModelSlot;
  let tensor: Tensor;
  let index: ImageIndex;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-junk-'));
    // Paths such as 'x' are written there, and nothing is downloaded.
    process.chdir(directory);
    process.env.SEMISUP_OFFLINE = '1';
    classifier = await Classifier.open(await saveClassifier('classifier.pt', 1), {
      plan: 'interpreter',
    });
    module = await ScriptModule.load(await saveNet('net.pt', 1));
    slot = await ModelSlot.open('net.pt');
    tensor = Tensor.from(new Float32Array(12), [1, 3, 2, 2]);
    index = ImageIndex.create({ dimensions: 3 });
    await index.add([{ id: 'a', embedding: [1, 2, 3] }]);
    await index.save('a.index');
  });

  after(async () => {
    await Promise.all([classifier.close(), module.close(), slot.close(), index.close()]);
    tensor.dispose();
    process.chdir(previous.directory);
    if (previous.offline === undefined) delete process.env.SEMISUP_OFFLINE;
    else process.env.SEMISUP_OFFLINE = previous.offline;
    await rm(directory, { recursive: true, force: true });
  });

  const model = junkOptions(modelOptions);
  const weights = junkOptions([...hubOptions, ...modelOptions]);
  const images = junkOptions(imageOptions);
  const calls: Readonly<Record<string, readonly [Call, ...fc.Arbitrary<Recipe>[]]>> = {
    'hub.list': [hub.list, junk],
    'hub.help': [hub.help, junk],
    'hub.info': [hub.info, junk],
    'hub.load(name)': [hub.load, junk, weights, junk],
    'hub.load(…, options)': [(o: object) => hub.load('resnet18_swsl', o), weights],
    'hub.download': [hub.download, junk, weights],
    'hub.download(…, options)': [(o: object) => hub.download('resnet18_swsl', o), weights],
    'hub.exportTorchScript': [hub.exportTorchScript, junk, junk, weights],
    'hub.exportTorchScript(…, options)': [(o: object) => hub.exportTorchScript('resnet18_swsl', 'out.pt', o), weights], // prettier-ignore
    'libtorch.install': [libtorch.install, junkOptions(['dir', 'variant', 'headers', 'signal', 'onProgress'])], // prettier-ignore
    'libtorch.use': [libtorch.use, junk],
    setThreads: [setThreads, junk],
    'Classifier.open': [Classifier.open, junk, junkOptions([...modelOptions, 'classes', 'transform'])], // prettier-ignore
    'Classifier.open(…, options)': [(o: object) => Classifier.open('classifier.pt', o), junkOptions([...modelOptions, 'classes', 'transform'])], // prettier-ignore
    classify: [(i: never, o: object) => classifier.classify(i, o), junk, images],
    'classify(…, options)': [(o: object) => classifier.classify(image(), o), images],
    'classify(array)': [(i: never) => classifier.classify([image(), i]), junk],
    classifyDetailed: [(i: never, o: object) => classifier.classifyDetailed(i, o), junk, images],
    embed: [(i: never, o: object) => classifier.embed(i, o), junk, images],
    features: [(i: never, o: object) => classifier.features(i, o), junk, junkOptions(['layers', ...imageOptions])], // prettier-ignore
    'features(layers)': [(l: never) => indicesOfLayers(l, [{ module: 'a', channels: 1, reduction: 1 }]), junk], // prettier-ignore
    explain: [(i: never, o: object) => classifier.explain(i, o), junk, images],
    renderHeatMap: [renderHeatMap, junk, junkOptions(['width', 'height', 'colorMap', 'opacity'])],
    renderOverlay: [renderOverlay, junk, junk, junkOptions(['orient', 'limits', 'colorMap', 'opacity', 'format', 'signal'])], // prettier-ignore
    logits: [(i: never, o: object) => classifier.logits(i, o), junk, images],
    'classifier.forward': [(t: never) => classifier.forward(t), junk],
    'ScriptModule.load': [ScriptModule.load, junk, junkOptions(['device', 'dtype', 'freeze', 'threads', 'instances', 'signal'])], // prettier-ignore
    'ScriptModule.load(…, options)': [(o: object) => ScriptModule.load('net.pt', o), junkOptions(['device', 'dtype', 'freeze', 'threads', 'instances', 'signal'])], // prettier-ignore
    'ScriptModule.loadSync': [ScriptModule.loadSync, junk, model],
    forward: [(...args: never[]) => module.forward(...args), junk, junk],
    forwardSync: [(...args: never[]) => module.forwardSync(...args), junk],
    call: [(...args: never[]) => module.call('forward', ...args), junk],
    'call(method)': [(method: never) => module.call(method, tensor), junk],
    callSync: [(method: never) => module.callSync(method, tensor), junk],
    invoke: [(m: never, a: never, o: never) => module.invoke(m, a, o), junk, junk, junkOptions(['signal'])], // prettier-ignore
    'invoke(…, options)': [(a: never, o: never) => module.invoke('forward', a, o), junk, junkOptions(['signal'])], // prettier-ignore
    attribute: [(name: never) => module.attribute(name), junk],
    graph: [(name: never) => module.graph(name), junk],
    to: [(target: never) => module.to(target), junkOptions(['device', 'dtype'])],
    save: [(path: never, o: never) => module.save(path, o), junk, junkOptions(['extraFiles'])],
    'ModelSlot.open': [ModelSlot.open, junk, model],
    'ModelSlot.open(…, options)': [(o: object) => ModelSlot.open('net.pt', o), junkOptions([...modelOptions, 'hubDir', 'offline', 'onProgress'])], // prettier-ignore
    swap: [(s: never, o: never) => slot.swap(s, o), junk, junkOptions(['warmup', 'check', 'timeout', 'signal'])], // prettier-ignore
    use: [(callback: never) => slot.use(callback), junk],
    watch: [(o: never) => { slot.watch(o); slot.unwatch(); }, junkOptions(['warmup', 'check', 'timeout', 'settle'])], // prettier-ignore
    'slot.classify': [(i: never) => slot.classify(i), junk],
    'slot.forward': [(...args: never[]) => slot.forward(...args), junk],
    'Tensor.from': [Tensor.from, junk, junk, junk],
    'Tensor.from(data)': [Tensor.from, junk],
    'tensor.to': [(target: never) => tensor.to(target), junkOptions(['device', 'dtype'])],
    'ImageIndex.create': [ImageIndex.create, junkOptions(['dimensions', 'precision', 'model', 'threads'])], // prettier-ignore
    'ImageIndex.open': [ImageIndex.open, junk, junkOptions(['threads', 'signal'])],
    'ImageIndex.open(…, options)': [(o: object) => ImageIndex.open('a.index', o), junkOptions(['threads', 'signal'])], // prettier-ignore
    add: [(entries: never) => index.add(entries), junk],
    'add(entry)': [(entry: never) => index.add([entry]), junkOptions(['id', 'embedding', 'metadata'])], // prettier-ignore
    'add(embedding)': [(e: never, m: never) => index.add([{ id: 'a', embedding: e, metadata: m }]), junk, junk], // prettier-ignore
    remove: [(ids: never) => index.remove(ids), junk],
    has: [(id: never) => index.has(id), junk],
    metadata: [(id: never) => index.metadata(id), junk],
    search: [(q: never, o: never) => index.search(q, o), junk, junkOptions(['topk', 'signal'])],
    'search(…, options)': [(o: never) => index.search([1, 2, 3], o), junkOptions(['topk', 'signal'])], // prettier-ignore
    'search(array)': [(q: never) => index.search([[1, 2, 3], q]), junk],
    duplicates: [(o: never) => index.duplicates(o), junkOptions(['threshold', 'signal', 'onProgress'])], // prettier-ignore
    'index.save': [(path: never, o: never) => index.save(path, o), junk, junkOptions(['signal'])],
    reshape: [(shape: never) => tensor.reshape(shape), junk],
  };

  for (const [name, [call, ...args]] of Object.entries(calls)) {
    it(name, async () => {
      const property = fc.asyncProperty(fc.tuple(...args), (values) =>
        check(() => call(...(values.map((value) => value.make()) as never[]))),
      );
      await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
    });
  }
});
