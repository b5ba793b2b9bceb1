import { errorBox, h, progressBar } from './dom.js';

/** @import { State } from '../types.js' */

/**
 * Offers to install LibTorch if it is missing.
 *
 * @param {HTMLElement} root
 * @param {State['libtorch']} libtorch
 */
export function showSetup(root, { status, progress, error }) {
  root.hidden = status === 'found' || status === 'unknown';
  if (root.hidden) return;
  const isInstalling = status === 'installing';
  root.replaceChildren(
    h('span', { className: 'icon download-icon' }),
    h('h2', { id: 'setup-title' }, 'One more download'),
    h(
      'p',
      {},
      'The models run on LibTorch, the library inside PyTorch. It is downloaded once (about 200 MB), verified, and kept in your cache directory.',
    ),
    error ? errorBox(error, 'LibTorch could not be installed') : '',
    isInstalling ? progressBar(progress) : '',
    isInstalling
      ? h('button', { onclick: () => window.app.cancelInstall() }, 'Cancel')
      : h(
          'button',
          { className: 'primary', onclick: () => window.app.installLibTorch() },
          error ? 'Try again' : 'Install LibTorch',
        ),
  );
}
