import { UnavailableError } from './fetch';
import { isPipMissing } from './pip';
import type { Wheel } from './wheels';

/**
 * Installs a wheel or, if it is not available anywhere, its substitutes, which may be much larger: emits the
 * warning `SEMISUP_LIBTORCH_SUBSTITUTE` with their size first.
 */
export async function withSubstitutes(
  wheel: Wheel,
  install: (wheel: Wheel) => Promise<void>,
): Promise<void> {
  try {
    await install(wheel);
  } catch (error) {
    const { substitutes } = wheel;
    if (!substitutes || !(error instanceof UnavailableError)) throw error;
    const canUseMirror = Boolean(process.env.SEMISUP_LIBTORCH_MIRROR);
    if (error.failures.some(isPipMissing) && !canUseMirror) throw error;
    warn(wheel, substitutes);
    await installAll(wheel, substitutes, install, error);
  }
}

async function installAll(
  wheel: Wheel,
  substitutes: readonly Wheel[],
  install: (wheel: Wheel) => Promise<void>,
  reason: UnavailableError,
): Promise<void> {
  try {
    for (const substitute of substitutes) await install(substitute);
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    throw new UnavailableError(wheel, [...reason.failures, ...error.failures]);
  }
}

function warn(wheel: Wheel, substitutes: readonly Wheel[]): void {
  const bytes = substitutes.reduce((sum, { size }) => sum + size, 0);
  process.emitWarning(
    `${wheel.file} is not available from PyTorch's download server or pip's index. Its libraries are taken from the CUDA build instead: ${Math.round(bytes / 1e6)} MB are downloaded.`,
    { code: 'SEMISUP_LIBTORCH_SUBSTITUTE' },
  );
}
