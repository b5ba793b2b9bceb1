import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { LibTorchError } from '../errors';
import { checkPath } from '../options';
import { findBinaries, unpackedPath } from '../binaries/find';
import { findLibTorchSync } from './find';

/** See `libtorch.use`. */
export function useLibTorch(dir: string): void {
  checkPath('the directory of libtorch.use', dir);
  const { loader, addons } = findBinaries();
  const chosen = unpackedPath(resolve(dir));
  findLibTorchSync({ chosen, versions: [...addons.keys()] });
  if (!loader.chooseDirectory(realpathSync(chosen))) {
    throw alreadyLoaded(chosen, loader.directory().current!);
  }
}

function alreadyLoaded(dir: string, current: string): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_LOADED', {
    what: `libtorch.use('${dir}') has no effect, because this process has already loaded LibTorch from ${current}.`,
    remedy:
      'Call libtorch.use before the first call that loads LibTorch, in any thread: hub.load, Classifier.open, ScriptModule.load, Tensor.to or devices.',
    value: dir,
  });
}
