/**
 * The stages of a model's life: statements that bring a process or worker into the stage and then call
 * `end()`. The delays are random, so that repetitions end at different points.
 */
export const lifeStages = {
  'before anything is loaded': 'end();',
  'while LibTorch is opened': `
    ScriptModule.load(file('net.pt')).catch(ignore);
    setTimeout(end, Math.random() * 200);`,
  'while a model is loaded': `
    Tensor.from([1]);
    ScriptModule.load(file('resnet18.pt')).catch(ignore);
    setTimeout(end, Math.random() * 100);`,
  'while a model is built and tuned': `
    Tensor.from([1]);
    hub.load('resnet18_swsl', { weights: file('resnet18.safetensors') }).catch(ignore);
    setTimeout(end, Math.random() * 1000);`,
  'during a download': `
    process.removeAllListeners('warning'); // The license of the weights.
    const server = require('node:http').createServer((request, response) => {
      response.writeHead(200, { 'content-length': 1e6 });
      response.write(Buffer.alloc(5e5));
      setTimeout(end, Math.random() * 20);
    });
    server.listen(0, '127.0.0.1', () => {
      process.env.SEMISUP_WEIGHTS_MIRROR = 'http://127.0.0.1:' + server.address().port;
      hub.load('resnet18_swsl', { offline: false }).catch(ignore);
    });`,
  'with an idle model': `Classifier.open(file('one.pt')).then(end);`,
  'during a forward pass': `
    ScriptModule.load(file('net.pt')).then(async (net) => {
      net.forward(large()).catch(ignore);
      await sleep(Math.random() * 5);
      end();
    });`,
  'with queued forward passes': `
    ScriptModule.load(file('net.pt')).then(async (net) => {
      for (let i = 0; i < 20; i++) net.forward(large()).catch(ignore);
      await sleep(Math.random() * 5);
      end();
    });`,
  'while images are decoded and classified': `
    Classifier.open(file('one.pt')).then(async (model) => {
      model.classify(Array(16).fill(photo)).catch(ignore);
      await sleep(Math.random() * 50);
      end();
    });`,
  'during a swap': `
    ModelSlot.open(file('one.pt')).then(async (slot) => {
      slot.swap(file('two.pt')).catch(ignore);
      slot.classify(square(4)).catch(ignore);
      await sleep(Math.random() * 20);
      end();
    });`,
  'while a model is closed': `
    ScriptModule.load(file('net.pt')).then((net) => {
      for (let i = 0; i < 5; i++) net.forward(large()).catch(ignore);
      net.close();
      end();
    });`,
  'after a model was closed': `
    ScriptModule.load(file('net.pt')).then(async (net) => {
      await net.forward(ones());
      await net.close();
      end();
    });`,
} as const;

export type LifeStage = keyof typeof lifeStages;
