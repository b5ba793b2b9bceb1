import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Classifier } from '../../src/classify';
import { IsolatedModule } from '../../src/classify/isolated-module';
import { IsolationError, ModelError, OptionError, ScriptError, SwapError } from '../../src/errors';
import { formatMetadata, metadataFile } from '../../src/models/metadata';
import { ModelSlot } from '../../src/slot';
import { Tensor } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import { image, saveClassifier, saveNet, side } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

/** Writes a classifier of three classes, which runs `statement` if the input is not black. */
async function saveHostile(path: string, statement: string): Promise<string> {
  await using module = await ScriptModule.create({
    type: 'Net',
    source: `
def forward(self, x):
    n = 0
    if float(x.mean()) > 0:
        ${statement}
    return x.flatten(1)[:, :3] + float(n)
`,
  });
  const metadata = formatMetadata({
    ...{ name: 'hostile', architecture: null, stride: null, numClasses: 3, head: null },
    ...{ labels: ['a', 'b', 'c'], license: null, source: null },
    transform: { resize: side, crop: side, mean: [0, 0, 0], std: [1, 1, 1] },
  });
  await module.save(path, { extraFiles: { [metadataFile]: metadata } });
  return path;
}

const crash =
  'n = int(torch._sparse_coo_tensor_unsafe(torch.full([1, 1], 1 << 40, dtype=4), torch.ones([1]), [3]).to_dense().sum())';
const loop = 'while n >= 0:\n            n += 1';

describe('ModelSlot with isolated models', function () {
  this.timeout(300_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let slot: ModelSlot;
  beforeEach(async () => {
    const source = await saveClassifier(path('first.pt'), 1);
    slot = await ModelSlot.open(source, { isolate: true, plan: 'untuned', threads: 1 });
  });
  afterEach(async () => {
    await slot?.close();
  });
  const best = async () => (await slot.classify(image()))[0]!.index;
  const moduleOfSlot = async () =>
    await slot.use(({ model }) => {
      assert.ok('module' in model && model.module instanceof IsolatedModule);
      return model.module;
    });

  it('runs all calls in the child process, and swaps to another one', async () => {
    assert.equal(await best(), 1);
    const module = await moduleOfSlot();
    const pid = module.pid!;
    using input = Tensor.from(new Float32Array(3 * 4).fill(1), [1, 3, 2, 2]);
    using output = await slot.forward(input);
    assert.deepEqual(output.shape, [1, 3]);
    assert.deepEqual(Object.keys(slot.methods).toSorted(), ['features', 'forward']);
    const { drained } = await slot.swap(await saveClassifier(path('second.pt'), 2));
    assert.equal(await best(), 2);
    await drained;
    assert.notEqual(await moduleOfSlot(), module);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  it('keeps the previous model if the new one crashes or hangs during warm-up', async () => {
    const failures: [string, string, new (...args: never[]) => Error][] = [
      ['crash', crash, IsolationError],
      ['loop', loop, ScriptError],
    ];
    const before = await moduleOfSlot();
    for (const [name, statement, cause] of failures) {
      const source = await saveHostile(path(`${name}.pt`), statement);
      const isolate = { milliseconds: 5000 };
      const open = ({ signal }: { signal: AbortSignal }) =>
        Classifier.open(source, { isolate, plan: 'untuned', threads: 1, signal });
      await assert.rejects(slot.swap(open), (error) => {
        assert.ok(error instanceof SwapError);
        assert.equal(error.code, 'ERR_SEMISUP_SWAP_WARMUP');
        assert.ok(error.cause instanceof cause, String(error.cause));
        return true;
      });
      assert.equal(await best(), 1);
      assert.equal(await moduleOfSlot(), before);
      assert.equal(slot.version, 1);
    }
  });

  it('starts an active model again that has crashed', async () => {
    const source = await saveHostile(path('crash.pt'), crash);
    await slot.swap(source, { warmup: 0, check: () => true });
    await assert.rejects(slot.classify(image()), IsolationError);
    assert.equal((await slot.classify(image(0))).length, 3);
    assert.equal(slot.version, 2);
  });

  it('refuses files that are not classifiers, rather than running them in this process', async () => {
    const net = await saveNet(path('net.pt'), 3);
    await assert.rejects(
      slot.swap(net),
      (error) =>
        error instanceof SwapError &&
        error.cause instanceof ModelError &&
        error.cause.message.includes('only classifiers can be isolated'),
    );
    assert.equal(await best(), 1);
  });

  it('checks the option', async () => {
    const invalid = ModelSlot.open(path('first.pt'), { isolate: { memory: -1 } });
    await assert.rejects(invalid, OptionError);
  });
});
