import { app, utilityProcess } from 'electron';
import { join } from 'node:path';

/** @import { EngineApi, EngineMessage, Result, State } from './types.js' */

/** How long a quit waits for the engine to exit, in milliseconds. */
const exitTimeout = 5000;

/** More than this many crashes within a minute are not followed by a restart. */
const maxCrashes = 3;

/**
 * The main process's side of the engine: a utility process, so that neither a long forward pass nor a crash affects
 * the window. If it crashes, it is restarted with the model that it last used.
 */
export class Engine {
  /** @type {State} */
  state = { engine: 'starting', libtorch: { status: 'unknown' } };
  /** @type {Electron.UtilityProcess | undefined} */
  #process;
  /** @type {Map<number, (result: Result<any>) => void>} */
  #calls = new Map();
  #lastId = 0;
  #isStopping = false;
  #lastModel = '';
  /** @type {number[]} */
  #crashes = [];
  #onState;

  /** @param {(state: State) => void} onState */
  constructor(onState) {
    this.#onState = onState;
  }

  start() {
    const child = utilityProcess.fork(join(import.meta.dirname, 'engine', 'index.js'), [], {
      serviceName: 'Engine',
      env: {
        ...process.env,
        APP_LIBTORCH: bundledLibTorch(),
        APP_MODEL: this.#lastModel,
        APP_INDEXES: join(app.getPath('userData'), 'indexes'),
      },
    });
    this.#process = child;
    child.on('message', (/** @type {EngineMessage} */ message) => {
      if (message.type === 'state') this.#update({ ...message.state });
      else this.#settle(message.id, message.result);
    });
    child.on('exit', (code) => this.#onExit(code));
  }

  /**
   * Calls a function of the engine.
   *
   * @template {keyof EngineApi} Method
   * @param {Method} method
   * @param {Parameters<EngineApi[Method]>} args
   * @returns {Promise<Result<Awaited<ReturnType<EngineApi[Method]>>>>}
   */
  call(method, ...args) {
    if (!this.#process) return Promise.resolve(stopped());
    const id = ++this.#lastId;
    this.#process.postMessage({ id, method, args });
    return new Promise((resolve) => this.#calls.set(id, resolve));
  }

  /** Ends the process. Resolves when it has exited. */
  async stop() {
    this.#isStopping = true;
    const child = this.#process;
    if (!child) return;
    /** @type {Promise<void>} */
    const exited = new Promise((resolve) => child.once('exit', () => resolve()));
    child.postMessage('exit');
    const timer = setTimeout(() => child.kill(), exitTimeout);
    await exited;
    clearTimeout(timer);
  }

  /** @param {number} code */
  #onExit(code) {
    this.#process = undefined;
    for (const id of [...this.#calls.keys()]) this.#settle(id, stopped());
    if (this.#isStopping) return;
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((time) => time > now - 60_000), now];
    console.error(`The engine exited with code ${code}.`);
    const isBroken = this.#crashes.length > maxCrashes;
    this.#update({
      engine: isBroken ? 'failed' : 'restarting',
      model: undefined,
      loading: undefined,
      index: undefined,
    });
    if (!isBroken) this.start();
  }

  /** @param {number} id @param {Result<any>} result */
  #settle(id, result) {
    this.#calls.get(id)?.(result);
    this.#calls.delete(id);
  }

  /** @param {Partial<State>} changes */
  #update(changes) {
    this.state = { ...this.state, ...changes };
    this.#lastModel = changes.model ?? this.#lastModel;
    this.#onState(this.state);
  }
}

/** A packaged app may contain LibTorch; see `extraResources` in electron-builder.yml. */
function bundledLibTorch() {
  return app.isPackaged ? join(process.resourcesPath, 'libtorch') : '';
}

/** @returns {{ ok: false, error: import('./types.js').Failure }} */
function stopped() {
  return { ok: false, error: { message: 'The engine stopped.', remedy: 'Try again.' } };
}
