import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Classifier } from '../../src/classify';
import { DeviceError, ModelError, OptionError } from '../../src/errors';
import { ModelSlot, type ModelSource } from '../../src/slot';
import { resolveSource } from '../../src/slot/source';
import { memory } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import { sha256 } from '../support/pixels';
import { modelFile } from '../../src/hub/cache';
import { card } from '../../src/models';
import { outputOf, image, makeNet, ones, saveClassifier, saveNet } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

describe('ModelSlot.open', () => {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let modules: number;
  beforeEach(() => {
    modules = memory().modules.count;
  });
  afterEach(() => {
    assert.equal(memory().modules.count, modules);
  });

  const outputOfSlot = async (slot: ModelSlot) => {
    using input = ones();
    using output = await slot.forward(input);
    return await output.data();
  };

  it('accepts a path, a file URL, or bytes', async () => {
    const file = await saveNet(path('net.pt'), 2);
    const bytes = await readFile(file);
    const sources: [ModelSource, string][] = [
      [file, file],
      [relative('.', file), file],
      [pathToFileURL(file), file],
      [bytes, `a buffer of ${bytes.length} bytes`],
    ];
    for (const [source, name] of sources) {
      await using slot = await ModelSlot.open(source);
      assert.deepEqual(await outputOfSlot(slot), outputOf(2));
      assert.equal(slot.source, name);
      assert.equal(slot.version, 1);
    }
  });

  it('opens a file with metadata as a Classifier, and one without as a ScriptModule', async () => {
    await using bare = await ModelSlot.open(await saveNet(path('net.pt'), 1));
    await bare.use(({ model }) => {
      assert.ok(model instanceof ScriptModule);
    });
    await using slot = await ModelSlot.open(await saveClassifier(path('c.pt'), 1));
    await slot.use(({ model }) => {
      assert.ok(model instanceof Classifier);
    });
    assert.equal((await slot.classify(image()))[0]!.index, 1);
  });

  it('resolves names and aliases of the hub before paths', async () => {
    const checkpoints = path('checkpoints');
    await mkdir(checkpoints);
    const cached = modelFile(card('resnet18_swsl'), directory.path, 'pt');
    await saveClassifier(cached, 2);
    await writeFile(`${cached}.sha256`, sha256(await readFile(cached)));
    for (const name of ['resnet18_swsl', 'swsl_resnet18']) {
      await using slot = await ModelSlot.open(name, {
        hubDir: directory.path,
        offline: true,
        threads: 1,
      });
      assert.equal(slot.source, 'resnet18_swsl');
      assert.equal((await slot.classify(image()))[0]!.index, 2);
    }
  });

  it('accepts a function that creates a model', async () => {
    async function freshNet({ signal }: { signal: AbortSignal }) {
      assert.equal(signal.aborted, false);
      return await makeNet(3);
    }
    await using slot = await ModelSlot.open(freshNet);
    assert.deepEqual(await outputOfSlot(slot), outputOf(3));
    assert.equal(slot.source, 'freshNet');
    await assert.rejects(ModelSlot.open((() => Promise.resolve('model')) as never), OptionError);
    const reason = new Error('the source failed');
    await assert.rejects(
      ModelSlot.open(() => Promise.reject(reason)),
      reason,
    );
  });

  it('rejects invalid and missing sources', async () => {
    for (const source of ['', 7, undefined, {}, new URL('https://example.org/net.pt')]) {
      await assert.rejects(ModelSlot.open(source as never), OptionError);
    }
    await assert.rejects(ModelSlot.open(path('none.pt')), {
      code: 'ERR_SEMISUP_MODEL_NOT_FOUND',
    });
    await assert.rejects(ModelSlot.open(new Uint8Array(9)), {
      code: 'ERR_SEMISUP_MODEL_FORMAT',
    });
  });

  it('rejects a file with invalid metadata', async () => {
    await using net = await makeNet(1);
    await net.save(path('bad.pt'), { extraFiles: { 'semisup.json': '{}' } });
    await assert.rejects(ModelSlot.open(path('bad.pt')), ModelError);
  });

  it('rejects a file that is modified while it is read', async () => {
    const file = await saveNet(path('net.pt'), 1);
    const load = ScriptModule.load.bind(ScriptModule);
    const bytes = await readFile(file);
    ScriptModule.load = async (...args) => {
      const module = await load(...args);
      await writeFile(file, bytes);
      return module;
    };
    try {
      await assert.rejects(ModelSlot.open(file), /was modified while it was read/);
    } finally {
      ScriptModule.load = load;
    }
    await copyFile(file, path('copy.pt'));
    await using slot = await ModelSlot.open(path('copy.pt'));
    assert.equal(slot.version, 1);
  });

  it('accepts the options of a model, and rejects others', async () => {
    const file = await saveNet(path('net.pt'), 1);
    await using slot = await ModelSlot.open(file, { instances: 2, threads: 1, device: 'cpu' });
    assert.equal(slot.version, 1);
    await assert.rejects(ModelSlot.open(file, { devise: 'cpu' } as object), OptionError);
    await assert.rejects(ModelSlot.open(file, { threads: 0 }), OptionError);
    await assert.rejects(ModelSlot.open(file, { device: 'cuda:7' }), DeviceError);
  });

  it('rejects a precision that the device does not support before it loads the model', async () => {
    const classifier = await saveClassifier(path('c.pt'), 1);
    const sources = [classifier, await readFile(classifier), await saveNet(path('net.pt'), 1)];
    const load = ScriptModule.load.bind(ScriptModule);
    let loads = 0;
    ScriptModule.load = async (...args) => {
      loads++;
      return await load(...args);
    };
    try {
      for (const source of sources) {
        await assert.rejects(ModelSlot.open(source, { device: 'cpu', precision: 'float16' }), {
          name: 'OptionError',
          message: /Expected one of 'int8', 'bfloat16', 'float32', 'auto' on the CPU/,
        });
      }
      assert.equal(loads, 0);
      await using slot = await ModelSlot.open(sources[2]!, { device: 'cpu' });
      assert.equal(slot.version, 1);
      assert.equal(loads, 1);
    } finally {
      ScriptModule.load = load;
    }
  });

  it('stops planning when the signal aborts, and frees the module before it rejects', async () => {
    const file = await saveClassifier(path('c.pt'), 1);
    const reason = new Error('canceled');
    const controller = new AbortController();
    const load = ScriptModule.load.bind(ScriptModule);
    let planned = 0;
    ScriptModule.load = async (...args) => {
      const module = await load(...args);
      const plan = module.plan.bind(module);
      module.plan = async (...request) => {
        const planning = plan(...request);
        controller.abort(reason);
        const result = await planning;
        planned++;
        return result;
      };
      return module;
    };
    try {
      const source = resolveSource(file, { device: 'cpu', plan: 'tune' });
      await assert.rejects(source.load(controller.signal), reason);
      // The next swap starts to load as soon as this one rejects, so the module must already be freed.
      assert.equal(memory().modules.count, modules);
      assert.equal(planned, 0);
    } finally {
      ScriptModule.load = load;
    }
  });

  it('rejects with the reason of an aborted signal, and leaves no module behind', async () => {
    const file = await saveNet(path('net.pt'), 1);
    const reason = new Error('canceled');
    await assert.rejects(ModelSlot.open(file, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const opening = ModelSlot.open(file, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(opening, reason);
    let finish!: () => void;
    const late = new Promise<void>((resolve) => (finish = resolve));
    const created: ScriptModule[] = [];
    const again = new AbortController();
    const slow = ModelSlot.open(
      async () => {
        await late;
        created.push(await makeNet(1));
        return created[0]!;
      },
      { signal: again.signal },
    );
    again.abort(reason);
    await assert.rejects(slow, reason);
    finish();
    while (created.length === 0) await new Promise(setImmediate);
    await created[0]!.close();
  });
});
