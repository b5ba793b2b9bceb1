import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lifecycleModels, prelude, run } from '../support/lifecycle';
import { root } from '../support/run-node';

describe('one process with several instances of the JavaScript', function () {
  this.timeout(120_000);
  const models = lifecycleModels();

  it('resets the module registry repeatedly, as test runners do', async () => {
    const [output] = await run(
      `${prelude}
      const reset = () => {
        for (const path of Object.keys(require.cache)) {
          if (path.startsWith(${JSON.stringify(join(root, 'lib'))})) delete require.cache[path];
        }
        return require(${JSON.stringify(root)});
      };
      (async () => {
        const values = new Set();
        let previous = await ScriptModule.load(file('net.pt'));
        let tensor = ones();
        for (let i = 0; i < 15; i++) {
          const fresh = reset();
          const net = await fresh.ScriptModule.load(file('net.pt'));
          const one = await fresh.Classifier.open(file('one.pt'));
          values.add((await net.forward(tensor)).dataSync()[0]);
          values.add((await previous.forward(tensor)).dataSync()[0]);
          values.add((await one.classify(square(4)))[0].index);
          if (i % 2) await previous.close();
          previous = net;
          tensor = fresh.Tensor.from(new Float32Array(12).fill(1), [1, 3, 2, 2]);
        }
        console.log([...values].join());
        for (let i = 0; i < 5; i++) previous.forward(large()).catch(ignore);
        process.exit();
      })();`,
      { env: models.env, times: 2 },
    );
    assert.equal(output, '21,1\n');
  });

  it('is imported and required', async () => {
    const module = join(models.directory, 'both.mjs');
    await writeFile(
      module,
      `import { createRequire } from 'node:module';
      const required = createRequire(${JSON.stringify(join(root, 'package.json'))})('semisup');
      const imported = await import(${JSON.stringify(join(root, 'lib/index.js'))});
      console.log(imported.Tensor === required.Tensor);
      const net = await imported.ScriptModule.load(process.env.MODELS + '/net.pt');
      const output = await net.forward(required.Tensor.from(new Float32Array(12).fill(1), [1, 3, 2, 2]));
      console.log(output instanceof required.Tensor, output.dataSync()[0]);`,
    );
    const [output] = await run(`import(${JSON.stringify(module)});`, { env: models.env });
    assert.equal(output, 'true\ntrue 21\n');
  });

  it('runs in a vm context', async () => {
    const [output] = await run(
      `${prelude}
      const vm = require('node:vm');
      const context = vm.createContext({ ScriptModule, Tensor, Classifier, file, console, Buffer });
      vm.runInContext(\`(async () => {
        const net = await ScriptModule.load(file('net.pt'));
        const data = new Float32Array(12).fill(1);
        console.log((await net.forward(Tensor.from(data, [1, 3, 2, 2]))).dataSync()[0]);
        console.log((await net.forward(Tensor.from([[[[1]], [[1]], [[1]]]]))).dataSync()[0]);
        const one = await Classifier.open(file('one.pt'), { classes: ['a', 'b', 'c'] });
        const image = { data: new Uint8Array(4 * 4 * 3), width: 4, height: 4, channels: 3 };
        console.log((await one.classify(image))[0].label);
        await net.forward({ x: 1 }).catch((error) => console.log(error.code));
      })()\`, context);`,
      { env: models.env },
    );
    assert.equal(output, '21\n21\nb\nERR_SEMISUP_SCRIPT_ARGUMENT\n');
  });

  it('loads its modules in a vm context, as test runners do', async () => {
    const [output] = await run(
      `${prelude}
      // Compiles the files of the package in another context, with modules of its own.
      const vm = require('node:vm');
      const { readFileSync } = require('node:fs');
      const { createRequire } = require('node:module');
      const { dirname } = require('node:path');
      const instantiate = () => {
        const context = vm.createContext({
          Buffer, URL, AbortController, AbortSignal, setTimeout, clearTimeout, setInterval, clearInterval,
          setImmediate, process, console, structuredClone, TextDecoder, Blob, performance,
        });
        const cache = new Map();
        const load = (path) => {
          if (!path.startsWith(${JSON.stringify(join(root, 'lib'))})) return require(path);
          if (cache.has(path)) return cache.get(path).exports;
          const module = { exports: {} };
          cache.set(path, module);
          const outer = createRequire(path);
          const inner = (name) => load(outer.resolve(name));
          const wrap = '(function (exports, require, module, __filename, __dirname) {' + readFileSync(path, 'utf8') + '\\n})';
          const compiled = vm.runInContext(wrap, context, { filename: path });
          compiled(module.exports, inner, module, path, dirname(path));
          return module.exports;
        };
        return load(${JSON.stringify(join(root, 'lib/index.js'))});
      };
      (async () => {
        for (let i = 0; i < 3; i++) {
          const fresh = instantiate();
          const net = await fresh.ScriptModule.load(file('net.pt'));
          const tensor = fresh.Tensor.from(new Float32Array(12).fill(1), [1, 3, 2, 2]);
          console.log((await net.forward(tensor)).dataSync()[0]);
          const one = await fresh.Classifier.open(file('one.pt'));
          console.log((await one.classify([photo, square(4)]))[1][0].index);
          const error = await net.forward(1).catch((error) => error);
          console.log(error instanceof fresh.SemisupError, error.code);
        }
      })();`,
      { env: models.env },
    );
    assert.equal(output, '21\n1\ntrue ERR_SEMISUP_SCRIPT_ARGUMENT\n'.repeat(3));
  });
});
