import { findLibTorchSync } from '../../src/libtorch';

/** The directory of the LibTorch that the tests use, for child processes with another environment. */
export function libTorchDirectory(): string {
  return findLibTorchSync().dir;
}
