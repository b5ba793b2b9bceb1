import { ClassifyView } from './classify.js';
import { byId } from './dom.js';
import { ModelsView } from './models.js';
import { SearchView } from './search.js';
import { showSetup } from './setup.js';

/** @import { Photo, State } from '../types.js' */

const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[role=tab]')]);

const classify = new ClassifyView(byId('classify'), findSimilar);
const search = new SearchView(byId('search'));
const models = new ModelsView(byId('models'));

/** @param {HTMLElement} tab */
function select(tab) {
  for (const other of tabs) {
    const isSelected = other === tab;
    other.setAttribute('aria-selected', String(isSelected));
    other.tabIndex = isSelected ? 0 : -1;
    byId(other.getAttribute('aria-controls') ?? '').hidden = !isSelected;
  }
}

/** @param {Photo} photo */
function findSimilar(photo) {
  select(byId('tab-search'));
  void search.query(photo);
}

for (const [i, tab] of tabs.entries()) {
  tab.addEventListener('click', () => select(tab));
  tab.addEventListener('keydown', ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = /** @type {HTMLElement} */ (tabs.at((i + step) % tabs.length));
    select(next);
    next.focus();
  });
}

/** @param {State} state */
function show(state) {
  const { engine, libtorch, model, loading } = state;
  const isSetUp = libtorch.status === 'found' || libtorch.status === 'unknown';
  document.body.classList.toggle('setting-up', !isSetUp);
  showSetup(byId('setup'), libtorch);
  classify.update(state);
  search.update(state);
  models.update(state);
  const status = byId('status');
  status.classList.toggle('busy', engine !== 'running' || loading !== undefined);
  const texts = { starting: 'Starting…', restarting: 'Restarting…', failed: 'The engine failed' };
  status.textContent =
    engine !== 'running'
      ? texts[engine]
      : (model ?? (loading ? `Loading ${loading.model}…` : isSetUp ? 'No model' : ''));
  status.title = loading ? `Loading ${loading.model}` : 'The active model';
}

// Files may be dropped anywhere in the window, or pasted.
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
addEventListener('dragleave', ({ relatedTarget }) => {
  if (relatedTarget === null) document.body.classList.remove('dragging');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  void open(event.dataTransfer);
});
addEventListener('paste', ({ clipboardData }) => void open(clipboardData));

/** @param {DataTransfer | null} data */
async function open(data) {
  const files = [...(data?.files ?? [])];
  if (files.length === 0) return;
  const photos = await window.app.openFiles(files);
  const [first] = photos;
  if (first && !byId('search').hidden && search.hasFolder) await search.query(first);
  else {
    select(byId('tab-classify'));
    classify.add(photos);
  }
}

select(byId('tab-classify'));
window.app.onState(show);
show(await window.app.state());
