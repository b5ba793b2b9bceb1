import { bar, errorBox, h, picture } from './dom.js';

/** @import { Classification, Photo, Result, State } from '../types.js' */

/** The photos that were opened, each with its five most probable classes. */
export class ClassifyView {
  #list = h('ol', { className: 'photos' });
  #notice = h('div', { className: 'notices' });
  #empty;
  #toolbar;
  #findSimilar;
  #isReady = false;
  /** Photos opened before the model was loaded. @type {(() => void)[]} */
  #waiting = [];

  /** @param {HTMLElement} root @param {(photo: Photo) => void} findSimilar */
  constructor(root, findSimilar) {
    this.#findSimilar = findSimilar;
    const choose = async () => this.add(await window.app.choosePhotos());
    this.#empty = h(
      'button',
      { className: 'drop', onclick: choose },
      h('span', { className: 'icon photo-icon' }),
      h('strong', {}, 'Drop photos here'),
      h('span', {}, 'or click to choose them; Ctrl+V pastes one'),
    );
    this.#toolbar = h(
      'div',
      { className: 'toolbar', hidden: true },
      h('button', { className: 'primary', onclick: choose }, 'Choose photos…'),
      h('button', { onclick: () => this.#clear() }, 'Clear'),
    );
    root.append(this.#notice, this.#toolbar, this.#empty, this.#list);
  }

  /** @param {readonly Photo[]} photos */
  add(photos) {
    if (photos.length === 0) return;
    this.#empty.hidden = true;
    this.#toolbar.hidden = false;
    for (const photo of photos) {
      const answer = h('div', { className: 'answer', 'aria-live': 'polite' });
      const card = h(
        'li',
        { className: 'card photo' },
        h('div', { className: 'frame' }, picture(photo)),
        answer,
      );
      this.#list.prepend(card);
      const classify = () => void this.#classify(photo, answer);
      if (this.#isReady) classify();
      else {
        answer.append(h('p', { className: 'hint' }, 'Waiting for the model…'));
        this.#waiting.push(classify);
      }
    }
  }

  /** @param {State} state */
  update({ model, loadError }) {
    this.#isReady = model !== undefined;
    const isFailed = !this.#isReady && loadError;
    this.#notice.replaceChildren(
      ...(isFailed ? [errorBox(loadError.error, `${loadError.model} could not be loaded`)] : []),
    );
    if (this.#isReady) for (const classify of this.#waiting.splice(0)) classify();
  }

  #clear() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
    this.#toolbar.hidden = true;
  }

  /** @param {Photo} photo @param {HTMLElement} answer */
  async #classify(photo, answer) {
    answer.replaceChildren(
      h('h2', {}, photo.name),
      ...Array.from({ length: 5 }, () => h('div', { className: 'skeleton' })),
    );
    const result = await window.app.classify(photo.id);
    answer.replaceChildren(h('h2', {}, photo.name), ...this.#describe(photo, result, answer));
  }

  /** @param {Photo} photo @param {Result<Classification>} result @param {HTMLElement} answer */
  #describe(photo, result, answer) {
    const again = h('button', { onclick: () => void this.#classify(photo, answer) }, 'Again');
    if (!result.ok) return [errorBox(result.error), h('footer', {}, again)];
    const { predictions, model, milliseconds } = result.value;
    const rows = predictions.map(({ label, score }) =>
      h(
        'li',
        {},
        h('span', { className: 'label' }, label),
        bar(score, ''),
        h('span', { className: 'score' }, `${(100 * score).toFixed(1)} %`),
      ),
    );
    return [
      h('ol', { className: 'predictions' }, ...rows),
      h(
        'footer',
        {},
        h('span', { className: 'hint' }, `${model}, ${milliseconds.toFixed(0)} ms`),
        h('button', { onclick: () => this.#findSimilar(photo) }, 'Find similar'),
        again,
      ),
    ];
  }
}
