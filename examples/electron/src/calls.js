import { dialog, ipcMain } from 'electron';
import { basename } from 'node:path';
import { findPhotos, photoExtensions } from './photo-library.js';

/** @import { Engine } from './engine.js' */
/** @import { PhotoLibrary } from './photo-library.js' */
/** @import { Bridge, Folder } from './types.js' */

/**
 * Answers the renderer. Arguments are checked here, because the renderer is not trusted.
 *
 * @param {Engine} engine
 * @param {PhotoLibrary} photos
 */
export function handleCalls(engine, photos) {
  /** @type {{ path: string, folder: Folder, paths: string[] } | undefined} */
  let opened;

  const index = () => {
    const { path, folder, paths } = /** @type {NonNullable<typeof opened>} */ (opened);
    const photos = folder.photos.map(({ id }, i) => ({
      id,
      path: /** @type {string} */ (paths[i]),
    }));
    return engine.call('index', { path, photos });
  };

  handle('state', () => engine.state);
  handle('models', () => engine.call('models'));
  handle('useModel', (name) => engine.call('useModel', string(name)));
  handle('cancelModel', () => engine.call('cancelModel'));
  handle('installLibTorch', () => engine.call('installLibTorch'));
  handle('cancelInstall', () => engine.call('cancelInstall'));

  handle('choosePhotos', async () => {
    const { filePaths } = await dialog.showOpenDialog({
      title: 'Choose photos',
      properties: ['openFile', 'multiSelections'],
      filters: [{ name: 'Photos', extensions: photoExtensions }],
    });
    return filePaths.map((path) => photos.add(path, basename(path)));
  });
  handle('openPaths', (paths) =>
    array(paths).map((path) => photos.add(string(path), basename(string(path)))),
  );
  handle('openBytes', (bytes, name) => {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('Expected bytes.');
    return photos.add(bytes, string(name));
  });
  handle('classify', (id) => engine.call('classify', photos.source(string(id))));

  handle('chooseFolder', async () => {
    const { filePaths } = await dialog.showOpenDialog({
      title: 'Choose a folder of photos',
      properties: ['openDirectory'],
    });
    const [path] = filePaths;
    if (path === undefined) return undefined;
    const paths = await findPhotos(path);
    const members = paths.map((file) => photos.add(file, basename(file)));
    opened = { path, folder: { name: basename(path), photos: members }, paths };
    void index();
    return opened.folder;
  });
  handle('folder', () => opened?.folder);
  handle('indexAgain', () => index());
  handle('cancelIndex', () => engine.call('cancelIndex'));
  handle('neighbors', (id) =>
    engine.call('neighbors', { id: string(id), source: photos.source(string(id)) }),
  );
}

/**
 * @param {Exclude<keyof Bridge, 'onState' | 'openFiles'> | 'openPaths' | 'openBytes'} name
 * @param {(...args: unknown[]) => unknown} answer
 */
function handle(name, answer) {
  ipcMain.handle(name, (event, ...args) => {
    if (!event.senderFrame?.url.startsWith('app://ui/')) throw new Error('Unknown sender.');
    return answer(...args);
  });
}

/** @param {unknown} value */
function string(value) {
  if (typeof value !== 'string') throw new TypeError('Expected a string.');
  return value;
}

/** @param {unknown} value @returns {unknown[]} */
function array(value) {
  if (!Array.isArray(value)) throw new TypeError('Expected an array.');
  return value;
}
