import { bytes, dict, legacy, tensor, text, tuple, integer } from '../../support/pickle';
import type { Seed, Target } from '../target';
import { openReader } from './checkpoint';
import { checkpointFixtures } from './fixtures';
import { pickleTokens } from './pickle-tokens';

/** A small file, in which most mutations hit the pickle. */
function smallSeed(): Seed {
  const part = tuple(text('1'), integer(1), integer(2));
  const pickle = dict({
    state_dict: bytes(
      '}(',
      text('w'),
      tensor(),
      text('v'),
      tensor({ storageView: part, numel: 4, shape: [2] }),
      'u',
    ),
    arch: text('resnet50'),
  });
  return {
    name: 'small',
    bytes: legacy(pickle, [{ key: '0', count: 4, data: Buffer.alloc(16, 7) }]),
  };
}

export const legacyPth: Target = {
  name: 'legacy-pth',
  maxMemory: 2 ** 30,
  seeds: async () => [smallSeed(), ...(await checkpointFixtures(/\.legacy\.pth$/))],
  tokens: pickleTokens,
  reference: ['torch'],
  open: (context) => openReader(context, 'x.pth', 'torch_load'),
};
