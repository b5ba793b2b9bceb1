import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import vm from 'node:vm';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { saveGeneratedModel } from '../support/generated-model';
import { root } from '../support/run-node';

/** Loads the built package into a new context of node:vm, as test runners such as Vitest and Jest do. */
function loadInContext(context: vm.Context): Record<string, unknown> {
  const cache = new Map<string, { exports: Record<string, unknown> }>();
  const load = (file: string): Record<string, unknown> => {
    const cached = cache.get(file);
    if (cached) return cached.exports;
    const module = { exports: {} };
    cache.set(file, module);
    const nativeRequire = createRequire(file);
    const requireInContext = (id: string): unknown => {
      const isOwn = id.startsWith('.') && !id.endsWith('.json');
      return isOwn ? load(nativeRequire.resolve(id)) : nativeRequire(id);
    };
    const run = vm.compileFunction(
      readFileSync(file, 'utf8'),
      ['exports', 'require', 'module', '__filename', '__dirname'],
      { filename: file, parsingContext: context },
    ) as (...args: unknown[]) => void;
    run(module.exports, requireInContext, module, file, dirname(file));
    return module.exports;
  };
  return load(join(root, 'lib', 'index.js'));
}

/** A context with the globals of Node, except those of the language itself. */
function createContext(): vm.Context {
  const context = vm.createContext({});
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (vm.runInContext(`${JSON.stringify(name)} in globalThis`, context) as boolean) continue;
    Object.defineProperty(context, name, Object.getOwnPropertyDescriptor(globalThis, name)!);
  }
  return context;
}

/** How esbuild, oxc and Babel look up the method of a resource: the symbol, or else a registered one. */
const lookup = `
  const keyOf = (name) => Symbol[name] || Symbol.for('Symbol.' + name);
  const disposerOf = (value) => {
    const dispose = value[keyOf('asyncDispose')] ?? value[keyOf('dispose')];
    if (typeof dispose !== 'function') throw new TypeError('Object not disposable');
    return () => dispose.call(value);
  };
`;

describe('a context of node:vm', function () {
  this.timeout(60_000);
  let directory: string;
  let model: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    model = await saveGeneratedModel(join(directory, 'model.pt'), 'resnet18');
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const run = async (program: string): Promise<unknown> => {
    const context = createContext();
    const globals = {
      semisup: loadInContext(context),
      model,
      image: join(root, 'examples', 'clock.jpg'),
    };
    Object.assign(context, globals);
    return await (vm.runInContext(`${lookup} (async () => { ${program} })()`, context) as unknown);
  };

  it('finds the methods for `using` where it looks them up', async () => {
    const isDisposed = await run(`
      const { Tensor } = semisup;
      const tensor = Tensor.from([1, 2]);
      disposerOf(tensor)();
      try { tensor.dataSync() } catch (error) { return error.code }
    `);
    assert.equal(isDisposed, 'ERR_SEMISUP_DISPOSED');
    const disposable = await run(`
      const { Classifier, ModelSlot, ScriptModule } = semisup;
      return [Classifier, ModelSlot, ScriptModule]
        .map(({ prototype }) => typeof prototype[keyOf('asyncDispose')]).join();
    `);
    assert.equal(disposable, 'function,function,function');
  });

  it('has no symbol that was not there before', async () => {
    const has = vm.runInContext('"dispose" in Symbol', createContext()) as boolean;
    assert.equal(await run(`return 'dispose' in Symbol`), has);
  });

  it('can classify images, and print and convert tensors', async () => {
    const result = await run(`
      const { Classifier, Tensor } = semisup;
      const classifier = await Classifier.open(model, { threads: 1, plan: 'untuned', device: 'cpu' });
      try {
        const best = await classifier.classify(image, { topk: 3 });
        const tensor = Tensor.from([[1.5, 2.5]], undefined, 'float16');
        return [best.length, (await tensor.toFloat32()).join(), String(tensor)].join(' ');
      } finally {
        await disposerOf(classifier)();
      }
    `);
    assert.equal(result, '3 1.5,2.5 tensor([[1.5000, 2.5000]], dtype=torch.float16)');
  });
});
