import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { card, type ModelCard } from '../../src/models';
import { file, sha256, TestServer } from '../support/http-server';
import { lifecycleModels, prelude, run } from '../support/lifecycle';
import { root } from '../support/run-node';

describe('several processes', function () {
  this.timeout(120_000);
  const models = lifecycleModels();
  const server = new TestServer();
  let hub: string;
  let published: ModelCard;
  let env: NodeJS.ProcessEnv;

  // A model that is published on the test server.
  beforeEach(async function () {
    const bytes = await readFile(join(models.directory, 'resnet18.safetensors'));
    const sha256Prefix = sha256(bytes).slice(0, 8);
    server.handler = file(bytes);
    published = {
      ...card('resnet18_swsl'),
      origin: {
        kind: 'file',
        file: `generated-${sha256Prefix}.safetensors`,
        sha256Prefix,
        url: `${server.origin}/model`,
        safetensors: { repo: 'none' },
      },
    };
    hub = join(models.directory, 'hub', this.currentTest!.title.replace(/\W/g, '-'));
    env = {
      ...models.env,
      HF_ENDPOINT: server.origin,
      // A download emits a warning with the license.
      NODE_NO_WARNINGS: '1',
      SEMISUP_OFFLINE: undefined,
      no_proxy: '*',
    };
  });

  /** Statements that load the published model and classify an image. */
  const load = (onProgress = '() => {}') => `
    const { cachedModel } = require(${JSON.stringify(join(root, 'lib/hub/torchscript.js'))});
    const load = async () => {
      const options = { hubDir: ${JSON.stringify(hub)}, onProgress: ${onProgress} };
      const { torchScript } = await cachedModel(${JSON.stringify(published)}, options);
      const model = await Classifier.open(torchScript, { plan: 'untuned', threads: 1 });
      const [best] = await model.classify(square(64));
      await model.close();
      return [best.index, best.score];
    };`;

  /** Writes a program to a file, which Node can fork, and returns statements that run it. */
  const asFile = async (program: string) => {
    const path = join(models.directory, 'program.cjs');
    await writeFile(path, program);
    return `require(${JSON.stringify(path)});`;
  };

  /** The files of the cache, without the lasting ones. */
  const leftovers = async () => {
    const names = await readdir(join(hub, 'checkpoints'));
    return names.filter(
      (name) => !/^(generated-\w+\.safetensors|\w+-\w+\.build\d+\.pt(\.sha256)?)$/.test(name),
    );
  };

  it('of a cluster load a model for the first time: one downloads and builds it', async () => {
    const program = `
      ${prelude} ${load()}
      const cluster = require('node:cluster');
      if (cluster.isPrimary) {
        cluster.setupPrimary({ exec: __filename, execArgv: [] });
        const start = async () => {
          const worker = cluster.fork();
          const [answer] = await once(worker, 'message');
          const exited = once(worker, 'exit');
          worker.disconnect();
          return [...answer, ...(await exited)];
        };
        Promise.all([1, 2, 3, 4].map(start)).then((answers) => console.log(JSON.stringify(answers)));
      } else {
        load().then((answer) => process.send(answer));
      }`;
    const [output] = await run(await asFile(program), { env, timeout: 60_000 });
    const answers = JSON.parse(output!) as [number, number, number, string | null][];
    assert.equal(answers.length, 4);
    for (const [index, score, code, signal] of answers) {
      assert.deepEqual([code, signal], [0, null]);
      assert.equal(index, answers[0]![0]);
      assert.ok(Math.abs(score - answers[0]![1]) < 1e-5);
    }
    assert.equal(server.requests.length, 1);
    assert.deepEqual(await leftovers(), []);
  });

  it('of fork exchange images and results', async () => {
    const program = `
      ${prelude}
      const { fork } = require('node:child_process');
      if (process.argv[2] === 'child') {
        (async () => {
          const model = await Classifier.open(file('one.pt'));
          for await (const [image] of require('node:events').on(process, 'message')) {
            if (image === null) break;
            process.send({ embedding: await model.embed(image), best: await model.classify(image, { topk: 1 }) });
          }
          await model.close();
          process.disconnect();
        })();
      } else {
        (async () => {
          const child = fork(__filename, ['child'], { serialization: 'advanced', execArgv: [] });
          child.send(square(4));
          const [{ embedding, best }] = await once(child, 'message');
          console.log(embedding.constructor.name, embedding.length, best[0].index);
          child.send(null);
          console.log(await once(child, 'exit'));
        })();
      }`;
    const [output] = await run(await asFile(program), { env: models.env });
    assert.equal(output, 'Float32Array 4 1\n[ 0, null ]\n');
  });

  for (const phase of ['download', 'build']) {
    it(`recover if one is killed during the ${phase}`, async () => {
      const kill = `({ phase, received }) => {
        if (phase === '${phase}' && received > 1e6) process.kill(process.pid, 'SIGKILL');
      }`;
      const report = 'load().then((answer) => console.log(JSON.stringify(answer)));';
      await run(`${prelude} ${load(kill)} ${report}`, { env, signal: 'SIGKILL' });
      if (phase === 'build') {
        const lock = (await leftovers()).find((name) => name.endsWith('.pt.lock'))!;
        const saved = lock.replace(/lock$/, 'killed-while-saving.tmp');
        await writeFile(join(hub, 'checkpoints', saved), '');
      }
      const [output] = await run(`${prelude} ${load()} ${report}`, { env, timeout: 20_000 });
      assert.equal((JSON.parse(output!) as number[]).length, 2);
      assert.deepEqual(await leftovers(), []);
    });
  }
});
