import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Classifier } from '../../src/classify';
import { ModelError, OptionError } from '../../src/errors';
import { ModelSlot } from '../../src/slot';
import { ScriptModule } from '../../src/torch';
import { temporaryDirectory } from '../support/temporary';
import { fixture } from '../support/torchscript';
import { attribute, moduleClass, moduleOf, statements } from '../support/torchscript-module';

/** Asserts that the archive is refused with `verify`, naming exactly these. */
async function assertRefused(archive: Uint8Array, ...names: string[]): Promise<void> {
  await assert.rejects(ScriptModule.load(archive, { verify: true }), (error) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, 'ERR_SEMISUP_MODEL_UNSAFE', error.message);
    const listed = [...error.what.matchAll(/'([^']+)' \('/g)].map(([, name]) => name);
    assert.deepEqual(listed, names, error.what);
    return true;
  });
}

async function assertLoads(archive: Uint8Array | string): Promise<void> {
  const module = await ScriptModule.load(archive, { verify: true });
  await module.close();
}

/** A module that writes a file while it is loaded. */
function writingAtLoad(path: string): Buffer {
  return moduleOf(`${moduleClass}  def __getstate__(self: __torch__.M) -> Dict[str, bool]:
    return {"training": False}
  def __setstate__(self: __torch__.M,
    state: Dict[str, bool]) -> NoneType:
    torch.save(torch.zeros([1]), ${JSON.stringify(path)})
    self.training = False
    return None
`);
}

describe('verify', () => {
  const directory = temporaryDirectory();

  it('refuses a module that writes a file while it is loaded, and runs nothing', async () => {
    const path = join(directory.path, 'written');
    const archive = writingAtLoad(path);
    await assertRefused(archive, '__getstate__', '__setstate__', 'torch.save');
    assert.equal(existsSync(path), false);
    // Without `verify` it is written: this is what `verify` is for.
    await (await ScriptModule.load(archive)).close();
    assert.equal(existsSync(path), true);
  });

  it('states the record, the line and the remedy', async () => {
    const archive = statements('y = torch.neg(x)', 'torch.save(y, "file")', 'return x');
    const path = join(directory.path, 'model.pt');
    await writeFile(path, archive);
    await assert.rejects(ScriptModule.load(path, { verify: true }), {
      code: 'ERR_SEMISUP_MODEL_UNSAFE',
      value: path,
      what: `${path} was refused: it names what verified models may not use: 'torch.save' ('code/__torch__.py' line 8).`,
      remedy: /load it without `verify`/,
    });
    assert.throws(() => ScriptModule.loadSync(path, { verify: true }), {
      code: 'ERR_SEMISUP_MODEL_UNSAFE',
    });
  });

  it('is an option of Classifier.open and ModelSlot.open', async () => {
    const path = join(directory.path, 'model.pt');
    await writeFile(path, statements('torch.save(x, "file")', 'return x'));
    const expected = { code: 'ERR_SEMISUP_MODEL_UNSAFE' };
    await assert.rejects(Classifier.open(path, { verify: true, classes: ['a'] }), expected);
    await assert.rejects(ModelSlot.open(path, { verify: true }), expected);
    for (const verify of ['yes', 1, null] as unknown as boolean[]) {
      await assert.rejects(ScriptModule.load(path, { verify }), OptionError);
      await assert.rejects(Classifier.open(path, { verify }), OptionError);
      await assert.rejects(ModelSlot.open(path, { verify }), OptionError);
    }
  });

  it('refuses every way to name an operator', async () => {
    for (const [lines, ...names] of [
      [['y = torch.from_file("f", True, 4)'], 'torch.from_file'],
      [['y = x.save("f")'], '.save'],
      [['f = torch.save', 'f(x, "f")'], 'torch.save'],
      [['t = torch', 't.save(x, "f")'], 'torch', '.save'],
      [['o = ops', 'o.aten.save(x, "f")'], 'ops', '.save'],
      [['ops.aten.save(x, "f")'], 'ops.aten.save'],
      [['y = ops.c10d.send([x], 0, 0)'], 'ops.c10d.send'],
      [['y = ops.prim.Print(x)'], 'ops.prim.Print'],
      [['y = ops.unknown.function(x)'], 'ops.unknown.function'],
      [['y = torch.unknown(x)'], 'torch.unknown'],
      [['getattr(x, "save")("f")'], '.save'],
      [['n = "save"', 'getattr(x, n)("f")'], 'getattr'],
      [['y = (torch.neg(x)).save("f")'], '.save'],
      [['y = [torch.save(i, "f") for i in [x]]'], 'torch.save'],
      [['for i in range(3):', '  torch.save(x, "f")'], 'torch.save'],
      [['if True:', '  pass', 'else:', '  torch.save(x, "f")'], 'torch.save'],
      [['y = {1: torch.neg(x, out=torch.from_file("f"))}'], 'torch.from_file'],
      [['print(x)'], 'print'],
      [['y = fork(self.forward, x)'], 'fork'],
      [['y = torch.wait(x)'], 'torch.wait'],
      [['y = id(x)'], 'id'],
      [['torch.manual_seed(1)'], 'torch.manual_seed'],
      [['x.set_(x)'], '.set_'],
      [['y = __torch__.torch.classes.cuda.Stream(0, 0)'], '__torch__.torch.classes.cuda.Stream'],
      [['y = annotate(Future[Tensor], x)'], 'Future'],
      [['print = x'], 'print'],
      [['assert torch.save(x, "f")'], 'torch.save'],
      [['raise torch.save(x, "f")'], 'torch.save'],
      [['with torch.save(x, "f"):', '  pass'], 'torch.save'],
      [['y : __torch__.torch.classes.a.B = x'], '__torch__.torch.classes.a.B'],
    ] as [string[], ...string[]][]) {
      await assertRefused(statements(...lines, 'return x'), ...names);
    }
  });

  it('refuses custom classes and sparse tensors in pickles', async () => {
    const custom = 'c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n';
    await assertRefused(
      attribute(`${custom})\x81NbX`.slice(0, -1)),
      '__torch__.torch.classes.quantized.LinearPackedParamsBase',
    );
    const type = 'List[__torch__.torch.classes.a.B]';
    await assertRefused(
      attribute(
        `ctorch.jit._pickle\nrestore_type_tag\n]X${String.fromCharCode(type.length)}\0\0\0${type}\x86R`,
      ),
      type,
    );
    await assertRefused(
      attribute('ctorch._utils\n_rebuild_sparse_tensor\nK\x01\x85R'),
      'a sparse tensor',
    );
  });

  it('lists at most ten names', async () => {
    const lines = Array.from({ length: 25 }, (_, i) => `y = torch.unknown${i}(x)`);
    await assert.rejects(ScriptModule.load(statements(...lines, 'return x'), { verify: true }), {
      what: /'torch\.unknown9' \([^)]*\) and 15 more\.$/,
    });
  });

  it('accepts what networks use', async () => {
    await assertLoads(
      statements(
        'y = torch.conv2d(x, x)',
        'z = ops.quantized.add(x, x, 1.0, 0)',
        'd = {1: x}',
        'l = [i for i in range(3)]',
        'torch.warn("deprecated", 2)',
        'if isinstance(x, Tensor):',
        '  ops.prim.RaiseException("no", "builtins.ValueError")',
        'n = len(x.shape) + int(x.size(0))',
        'return unchecked_cast(Tensor, x).to(torch.device("cpu"))',
      ),
    ).catch((error: unknown) => {
      // Some of it does not compile; it must not be refused.
      assert.equal((error as ModelError).code, 'ERR_SEMISUP_MODEL_FORMAT', String(error));
    });
    const names = await readdir(join(fixture('notes'), '..'));
    const refused: string[] = [];
    for (const name of names.filter((name) => name.endsWith('.pt'))) {
      try {
        await assertLoads(await readFile(fixture(name.slice(0, -3))));
      } catch (error) {
        refused.push(
          `${name}: ${(error as ModelError).what.split(' was refused')[1] ?? String(error)}`,
        );
      }
    }
    // They fork, and make sparse tensors.
    assert.deepEqual(
      refused.map((line) => line.split(':')[0]).sort(),
      ['refused.pt', 'tensors.pt'],
      refused.join('\n'),
    );
  });
});
