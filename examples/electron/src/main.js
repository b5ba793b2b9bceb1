// The main process: the window, the files that the user opens, and the engine's life.
import { app, BrowserWindow, session } from 'electron';
import { join } from 'node:path';
import { Engine } from './engine.js';
import { handleCalls } from './calls.js';
import { PhotoLibrary } from './photo-library.js';
import { registerScheme, serve } from './scheme.js';

registerScheme();

const photos = new PhotoLibrary();
const engine = new Engine((state) => {
  for (const window of BrowserWindow.getAllWindows()) window.webContents.send('state', state);
});

function openWindow() {
  const window = new BrowserWindow({
    width: 1080,
    height: 760,
    minWidth: 640,
    minHeight: 480,
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      preload: join(import.meta.dirname, 'preload.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
    },
  });
  window.once('ready-to-show', () => window.show());
  window.webContents.on('will-navigate', (event) => event.preventDefault());
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  void window.loadURL('app://ui/index.html');
}

app.on('window-all-closed', () => app.quit());

// A quit waits for the engine, so that LibTorch is not torn down in the middle of a forward pass.
let isStopped = false;
app.on('will-quit', (event) => {
  if (isStopped) return;
  event.preventDefault();
  void engine.stop().then(() => {
    isStopped = true;
    app.quit();
  });
});

// Not a top-level await: Electron is ready only after this module has been evaluated.
void app.whenReady().then(() => {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, allow) =>
    allow(false),
  );
  serve(photos);
  handleCalls(engine, photos);
  engine.start();
  openWindow();
});
