import { errorBox, h, picture } from './dom.js';

/** @import { Folder, Photo, State } from '../types.js' */

/** A folder of photos, and those that are similar to one of them or to another photo. */
export class SearchView {
  /** @type {Folder | undefined} */
  #folder;
  /** @type {State | undefined} */
  #state;
  #empty;
  #toolbar = h('div', { className: 'toolbar' });
  #notice = h('div', { className: 'notices' });
  #query = h('div', { className: 'query' });
  #grid = h('ul', { className: 'grid' });
  /** The last query, so that an earlier answer does not replace a later one. */
  #lastQuery = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#empty = h(
      'button',
      { className: 'drop', onclick: () => this.#choose() },
      h('span', { className: 'icon search-icon' }),
      h('strong', {}, 'Choose a folder of photos'),
      h('span', {}, 'semisup embeds them on this machine; then search by picture'),
    );
    root.append(this.#toolbar, this.#notice, this.#query, this.#empty, this.#grid);
    this.#showToolbar();
  }

  get hasFolder() {
    return this.#folder !== undefined;
  }

  /** @param {State} state */
  update(state) {
    const before = this.#state?.index;
    this.#state = state;
    if (state.index !== before || state.model) this.#showToolbar();
  }

  /** Shows the photos of the folder that are most similar to a photo. @param {Photo} photo */
  async query(photo) {
    const id = ++this.#lastQuery;
    const back = h('button', { onclick: () => this.#showFolder() }, 'Show all');
    this.#query.replaceChildren(
      h('div', { className: 'frame' }, picture(photo)),
      h(
        'div',
        {},
        h('span', { className: 'hint' }, 'Most similar to'),
        h('h2', {}, photo.name),
        this.#folder && back,
      ),
    );
    if (!this.#folder) return;
    const result = await window.app.neighbors(photo.id);
    if (id !== this.#lastQuery) return;
    if (!result.ok) {
      this.#grid.replaceChildren(h('li', { className: 'wide' }, errorBox(result.error)));
      return;
    }
    const byId = new Map(this.#folder.photos.map((member) => [member.id, member]));
    const cells = result.value.flatMap(({ id: neighbor, similarity }) => {
      const member = byId.get(neighbor);
      return member ? [this.#cell(member, similarity)] : [];
    });
    this.#grid.replaceChildren(...cells);
    this.#grid.closest('main')?.scrollTo({ top: 0 });
  }

  async #choose() {
    const folder = await window.app.chooseFolder();
    if (!folder) return;
    this.#folder = folder;
    this.#showFolder();
  }

  #showFolder() {
    this.#lastQuery++;
    this.#query.replaceChildren();
    this.#grid.replaceChildren(...(this.#folder?.photos.map((photo) => this.#cell(photo)) ?? []));
    this.#showToolbar();
  }

  /** @param {Photo} photo @param {number} [similarity] */
  #cell(photo, similarity) {
    const badge =
      similarity !== undefined && h('span', { className: 'badge' }, similarity.toFixed(2));
    const open = () => void this.query(photo);
    return h('li', {}, h('button', { title: photo.name, onclick: open }, picture(photo), badge));
  }

  #showToolbar() {
    const { index, model } = this.#state ?? {};
    this.#empty.hidden = this.hasFolder;
    this.#toolbar.hidden = !this.hasFolder;
    this.#notice.replaceChildren();
    if (!this.#folder) return;
    const { name, photos } = this.#folder;
    this.#toolbar.replaceChildren(
      h('button', { className: 'primary', onclick: () => this.#choose() }, 'Choose folder…'),
      h('strong', {}, name),
      h('span', { className: 'hint' }, describe(photos.length, index)),
    );
    if (index?.running) {
      this.#toolbar.append(
        h('progress', { max: index.total || 1, value: index.done, 'aria-label': 'Indexing' }),
        h('button', { onclick: () => window.app.cancelIndex() }, 'Cancel'),
      );
    } else if (model !== undefined && index?.model !== model) {
      const reason = index
        ? `The folder was indexed by ${index.model}; embeddings of different models cannot be compared.`
        : 'The folder is not indexed.';
      this.#notice.append(
        h(
          'div',
          { className: 'notice' },
          h('p', {}, reason),
          h(
            'button',
            { onclick: () => window.app.indexAgain() },
            index ? 'Index again' : 'Index it',
          ),
        ),
      );
    }
    if (index?.error) this.#notice.append(errorBox(index.error, 'The folder was not indexed'));
  }
}

/** @param {number} count @param {State['index']} index */
function describe(count, index) {
  if (count === 0) return 'no photos in this folder';
  if (!index) return `${count} photos`;
  const { running, done, total, skipped } = index;
  if (running) return `indexing ${done} of ${total}`;
  return `${done - skipped} photos${skipped > 0 ? `, ${skipped} unreadable` : ''}`;
}
