// The engine: a utility process that runs the model.
import process from 'node:process';
import { Search } from './search.js';
import { LibTorch } from './libtorch.js';
import { Models, summaries } from './models.js';
import { toFailure } from './failure.js';

/** @import { EngineApi, EngineMessage, EngineRequest, State } from '../types.js' */

const { APP_LIBTORCH: bundledLibTorch, APP_MODEL: lastModel, APP_INDEXES: indexes } = process.env;

/** @param {EngineMessage} message */
const send = (message) => process.parentPort.postMessage(message);
/** @param {Partial<State>} state */
const update = (state) => send({ type: 'state', state });

const models = new Models(update);
const search = new Search(indexes ?? '', update);
const libtorch = new LibTorch(update, () => models.use(lastModel || 'resnet50_baseline'));

/** @type {EngineApi} */
const api = {
  models: summaries,
  installLibTorch: () => libtorch.install(),
  cancelInstall: () => libtorch.cancel(),
  useModel: (name) => models.use(name),
  cancelModel: () => models.cancel(),
  classify: (photo) => models.classify(photo),
  index: (folder) => search.start(models.slot, folder),
  cancelIndex: () => search.cancel(),
  neighbors: (photo) => search.neighbors(models.slot, photo),
};

process.parentPort.on('message', async ({ data }) => {
  // LibTorch is not torn down in the middle of a forward pass: `exit` waits for it.
  if (data === 'exit') process.exit();
  const { id, method, args } = /** @type {EngineRequest} */ (data);
  try {
    // @ts-expect-error: the type of the arguments depends on the method.
    const value = await api[method](...args);
    send({ type: 'result', id, result: { ok: true, value } });
  } catch (error) {
    send({ type: 'result', id, result: { ok: false, error: toFailure(error) } });
  }
});

update({ engine: 'running' });
await libtorch.start(bundledLibTorch);
