import assert from 'node:assert/strict';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lifecycleModels, prelude, run } from '../support/lifecycle';
import { root } from '../support/run-node';

/** Installs a copy of the package, with its binaries, under another version. */
async function installCopy(directory: string, version: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  for (const part of ['lib', process.env.PREBUILDS_ONLY ? 'prebuilds' : 'build/Release']) {
    await cp(join(root, part), join(directory, part), { recursive: true });
  }
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as object;
  await writeFile(join(directory, 'package.json'), JSON.stringify({ ...manifest, version }));
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

describe('two copies of the package in one process', function () {
  this.timeout(120_000);
  const models = lifecycleModels();
  let copies: string;

  before(async () => {
    const first = await installCopy(join(models.directory, 'first'), '0.1.0');
    const second = await installCopy(join(models.directory, 'second'), '9.9.9');
    copies = `${prelude}
      const A = require(${JSON.stringify(first)});
      const B = require(${JSON.stringify(second)});
      const onesOf = (copy) => copy.Tensor.from(new Float32Array(12).fill(1), [1, 3, 2, 2]);`;
  });

  const runCopies = async (statements: string, options = {}) => {
    const program = `${copies} (async () => { ${statements} })();`;
    return await run(program, { env: models.env, ...options });
  };

  it('load, run and close their own models', async () => {
    const [output] = await runCopies(
      `const use = async (copy) => {
        const net = await copy.ScriptModule.load(file('net.pt'));
        const [value] = (await net.forward(onesOf(copy))).dataSync();
        const one = await copy.Classifier.open(file('one.pt'));
        const [best] = await one.classify(square(4));
        await net.close();
        await one.close();
        return [value, best.index, copy.versions.semisup];
      };
      console.log(JSON.stringify([await use(A), await use(B), ...await Promise.all([A, B, A, B].map(use))]));
      console.log(A.memory().modules.count, B.memory().modules.count);`,
      { times: 2 },
    );
    const [a, b] = [
      [21, 1, '0.1.0'],
      [21, 1, '9.9.9'],
    ];
    const [used, counts] = output!.trim().split('\n');
    assert.deepEqual(JSON.parse(used!), [a, b, a, b, a, b]);
    assert.equal(counts, '0 0');
  });

  it("reject each other's tensors, and continue to work", async () => {
    const [output] = await runCopies(
      `for (const [mine, other] of [[A, B], [B, A]]) {
        const net = await mine.ScriptModule.load(file('net.pt'));
        const { code, message } = await net.forward(onesOf(other)).catch((error) => error);
        console.log(code, message.split('. ')[0]);
        console.log((await net.forward(onesOf(mine))).dataSync()[0]);
        const model = await mine.Classifier.open(file('one.pt'));
        await model.forward(onesOf(other)).catch((error) => console.log(error instanceof mine.SemisupError));
      }`,
    );
    const lines = output!.trim().split('\n');
    assert.equal(lines.length, 6);
    for (const [i, line] of lines.entries()) {
      assert.match(
        line,
        [
          /^ERR_SEMISUP_SCRIPT_ARGUMENT .*but received a Tensor of another copy of semisup, which/,
          /^21$/,
          /^true$/,
        ][i % 3]!,
      );
    }
  });

  // The memory of oneDNN's tensors must be freed by the allocator that allocated it.
  it('both run plans, and are closed in any order', async () => {
    const [output] = await runCopies(
      `const open = (copy) => copy.Classifier.open(file('resnet18.pt'), { plan: 'untuned' });
      const results = new Set();
      const classify = async (model) => results.add((await model.classify(square(64)))[0].index);
      for (const [first, second] of [[A, B], [B, A]]) {
        const one = await open(first);
        await classify(one);
        const two = await open(second);
        for (let i = 0; i < 3; i++) await Promise.all([classify(one), classify(two)]);
        await one.close();
        await classify(two);
        await two.close();
      }
      console.log(results.size);`,
      { times: 2 },
    );
    assert.equal(output, '1\n');
  });

  it('exit cleanly while both run', async () => {
    await runCopies(
      `for (const copy of [A, B]) {
        const net = await copy.ScriptModule.load(file('net.pt'));
        for (let i = 0; i < 10; i++) {
          net.forward(copy.Tensor.from(new Float32Array(3 * 512 * 512), [1, 3, 512, 512])).catch(ignore);
        }
      }
      process.exit(2);`,
      { code: 2, times: 3 },
    );
  });

  it('load LibTorch at the same time, also in workers that are terminated', async () => {
    const [output] = await runCopies(
      `const worker = new Worker(
        'require(' + JSON.stringify(${JSON.stringify(join(models.directory, 'second'))}) + ')' +
        '.ScriptModule.load(process.env.MODELS + "/net.pt"); require("node:worker_threads").parentPort.postMessage(1);',
        { eval: true });
      const loading = A.ScriptModule.load(file('net.pt'));
      await once(worker, 'message');
      const [net] = await Promise.all([loading, worker.terminate(), B.ScriptModule.load(file('net.pt'))]);
      console.log((await net.forward(onesOf(A))).dataSync()[0]);`,
      { times: 3 },
    );
    assert.equal(output, '21\n');
  });
});
