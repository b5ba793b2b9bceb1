import assert from 'node:assert/strict';
import { lifecycleModels, prelude, run } from '../support/lifecycle';

/** Source text of a function that uses models in every way and returns the results. */
const useModels = `
  const { createHash } = require('node:crypto');
  const useModels = async () => {
    const net = await ScriptModule.load(file('net.pt'));
    const one = await Classifier.open(file('one.pt'));
    const two = await Classifier.open(file('two.pt'));
    const resnet = await Classifier.open(file('resnet18.pt'), { plan: 'untuned' });
    const hash = (values) => createHash('sha256').update(Buffer.from(values.buffer)).digest('hex');
    const results = [
      [...(await net.forward(ones())).dataSync()],
      await one.classify(square(4), { topk: 1 }),
      await two.classify([square(4), photo], { topk: 1 }),
      hash(await resnet.embed(photo)),
      await resnet.classify(photo),
    ];
    await Promise.all([net, one, two, resnet].map((model) => model.close()));
    return JSON.stringify(results);
  };
`;

const worker = `${prelude} ${useModels} useModels().then((results) => parentPort.postMessage(results));`;

describe('eight workers and the main thread', function () {
  this.timeout(120_000);
  const models = lifecycleModels();

  it('load, run and close models at the same time, with the same results', async () => {
    const [output] = await run(
      `${prelude} ${useModels}
      const start = async () => {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
        const ended = once(worker, 'exit');
        const [results] = await once(worker, 'message');
        return [results, (await ended)[0]];
      };
      (async () => {
        const [own, ...others] = await Promise.all([useModels(), ...Array(8).fill().map(start)]);
        console.log(own);
        console.log(others.every(([results, code]) => results === own && code === 0));
        console.log(memory().modules.count);
      })();`,
      { env: models.env, timeout: 60_000 },
    );
    const [own, isEqual, count] = output!.trim().split('\n');
    const [forward, first, second] = JSON.parse(own!) as [number[], ...{ index: number }[][]];
    assert.deepEqual(forward, [21, 30]);
    assert.deepEqual(
      [first![0]!.index, (second as unknown as { index: number }[][])[1]![0]!.index],
      [1, 2],
    );
    assert.deepEqual([isEqual, count], ['true', '0']);
  });

  it('load LibTorch for the first time at the same time', async () => {
    const first = `${prelude} ScriptModule.load(file('net.pt')).then(async (net) => {
      parentPort.postMessage((await net.forward(ones())).dataSync()[0]);
    });`;
    const outputs = await run(
      `${prelude}
      const start = async () => (await once(new Worker(${JSON.stringify(first)}, { eval: true }), 'message'))[0];
      Promise.all(Array(8).fill().map(start)).then((values) => console.log(values.join()));`,
      { env: models.env, times: 2 },
    );
    assert.deepEqual(new Set(outputs), new Set([`${Array(8).fill(21).join()}\n`]));
  });

  it('create the first plan while a module runs', async () => {
    await run(
      `${prelude} (async () => {
        const net = await ScriptModule.load(file('resnet18.pt'));
        const input = Tensor.from(new Float32Array(3 * 128 * 128), [1, 3, 128, 128]);
        await net.forward(input);
        let runs = true;
        const running = (async () => { while (runs) await net.forward(input); })();
        const model = await Classifier.open(file('resnet18.pt'), { plan: 'untuned' });
        await sleep(20);
        runs = false;
        await running;
        await Promise.all([net.close(), model.close()]);
      })();`,
      { env: models.env, times: 4 },
    );
  });

  it('exchange the elements of tensors, but not tensors', async () => {
    const [output] = await run(
      `${prelude}
      const worker = new Worker(${JSON.stringify(
        `${prelude} parentPort.on('message', async ({ data, shape }) => {
          const net = await ScriptModule.load(file('net.pt'));
          const elements = (await net.forward(Tensor.from(data, shape))).dataSync();
          parentPort.postMessage(elements, [elements.buffer]);
          parentPort.close();
        });`,
      )}, { eval: true });
      (async () => {
        const tensor = ones();
        worker.postMessage({ data: tensor.dataSync(), shape: [...tensor.shape] });
        console.log([...(await once(worker, 'message'))[0]].join());
        // A structured clone of a tensor has no native object.
        const net = await ScriptModule.load(file('net.pt'));
        await net.forward(structuredClone({ ...tensor, handle: { ...tensor.handle } })).catch((error) => console.log(error.code));
      })();`,
      { env: models.env },
    );
    assert.equal(output, '21,30\nERR_SEMISUP_SCRIPT_ARGUMENT\n');
  });
});
