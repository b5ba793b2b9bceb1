import { errorBox, h, progressBar } from './dom.js';

/** @import { ModelSummary, State } from '../types.js' */

/** The models of semisup's hub, to choose the active one. */
export class ModelsView {
  #list = h('ul', { className: 'models' });
  /** @type {readonly ModelSummary[] | undefined} */
  #models;
  #isAsking = false;

  /** @param {HTMLElement} root */
  constructor(root) {
    root.append(
      h(
        'p',
        { className: 'intro' },
        'The active model keeps working while another one is downloaded and warmed up.',
      ),
      this.#list,
    );
  }

  /** @param {State} state */
  update(state) {
    if (!this.#models) void this.#ask(state);
    else this.#show(state);
  }

  /** @param {State} state */
  async #ask(state) {
    if (this.#isAsking || state.engine !== 'running') return;
    this.#isAsking = true;
    const result = await window.app.models();
    this.#isAsking = false;
    if (!result.ok) return;
    this.#models = result.value;
    this.#show(await window.app.state());
  }

  /** @param {State} state */
  #show(state) {
    const focused = document.activeElement?.closest('[data-model]')?.getAttribute('data-model');
    const cards = this.#models?.map((model) => this.#card(model, state)) ?? [];
    this.#list.replaceChildren(...cards);
    if (focused) {
      /** @type {HTMLElement | null} */ (
        this.#list.querySelector(`[data-model="${focused}"] button`)
      )?.focus();
    }
  }

  /** @param {ModelSummary} model @param {State} state */
  #card({ name, title, choice, top1, parameters, license, commercial }, state) {
    const isActive = state.model === name;
    const loading = state.loading?.model === name ? state.loading : undefined;
    const failed = state.loadError?.model === name ? state.loadError : undefined;
    const use = h('button', { onclick: () => window.app.useModel(name) }, 'Use');
    const cancel = h('button', { onclick: () => window.app.cancelModel() }, 'Cancel');
    use.setAttribute('aria-label', `Use ${title}`);
    return h(
      'li',
      { className: `card model${isActive ? ' active' : ''}`, 'data-model': name },
      h('div', {}, h('h2', {}, title), h('code', {}, name)),
      isActive ? h('span', { className: 'tag on' }, 'Active') : loading ? cancel : use,
      h('p', {}, choice),
      h(
        'p',
        { className: 'facts' },
        h('span', {}, `${top1.toFixed(1)} % top-1`),
        h('span', {}, `${(parameters / 1e6).toFixed(0)} M parameters`),
        h(
          'span',
          { className: commercial ? '' : 'warn' },
          commercial ? license : `${license}, non-commercial`,
        ),
      ),
      loading && progressBar(loading.progress),
      failed && errorBox(failed.error, 'The model was not loaded'),
    );
  }
}
