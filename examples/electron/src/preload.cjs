// The bridge between the page and the main process. A sandboxed preload script must be CommonJS.
const { contextBridge, ipcRenderer, webUtils } = require('electron');

/** @import { Bridge, Photo, State } from './types.js' */

/** Dropped files have a path; those of the clipboard have only bytes. @param {File[]} files */
async function openFiles(files) {
  /** @type {Photo[]} */
  const photos = [];
  for (const file of files) {
    const path = webUtils.getPathForFile(file);
    if (path !== '') photos.push(...(await ipcRenderer.invoke('openPaths', [path])));
    else {
      const bytes = new Uint8Array(await file.arrayBuffer());
      photos.push(await ipcRenderer.invoke('openBytes', bytes, file.name));
    }
  }
  return photos;
}

/** @type {Bridge} */
const bridge = {
  state: () => ipcRenderer.invoke('state'),
  onState(listener) {
    const onMessage = (/** @type {unknown} */ _event, /** @type {State} */ state) =>
      listener(state);
    ipcRenderer.on('state', onMessage);
    return () => ipcRenderer.off('state', onMessage);
  },
  choosePhotos: () => ipcRenderer.invoke('choosePhotos'),
  openFiles,
  classify: (id) => ipcRenderer.invoke('classify', id),
  chooseFolder: () => ipcRenderer.invoke('chooseFolder'),
  folder: () => ipcRenderer.invoke('folder'),
  indexAgain: () => ipcRenderer.invoke('indexAgain'),
  cancelIndex: () => ipcRenderer.invoke('cancelIndex'),
  neighbors: (id) => ipcRenderer.invoke('neighbors', id),
  models: () => ipcRenderer.invoke('models'),
  useModel: (name) => ipcRenderer.invoke('useModel', name),
  cancelModel: () => ipcRenderer.invoke('cancelModel'),
  installLibTorch: () => ipcRenderer.invoke('installLibTorch'),
  cancelInstall: () => ipcRenderer.invoke('cancelInstall'),
};

contextBridge.exposeInMainWorld('app', bridge);
