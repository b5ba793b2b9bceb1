import type { Wheel } from '../../../src/libtorch';
import type { FileOrigin } from '../../../src/models/checkpoint-origin';
import type { RetryPolicy } from '../../../src/net/retry';

/** The model whose checkpoint the suites replace with a generated one. */
export const modelName = 'resnet18_swsl';

/** What processes are killed in. */
export type Operation =
  | { kind: 'download'; origin: FileOrigin; hubDir: string; retryPolicy?: RetryPolicy }
  | { kind: 'build'; origin: Partial<FileOrigin>; hubDir: string }
  | { kind: 'export'; weights: string; target: string }
  | { kind: 'install'; wheel: Wheel };

/* eslint-disable @typescript-eslint/no-require-imports */
// Each operation loads only what it needs, which hundreds of processes do.

/** Loads what an operation needs. */
export async function prepareOperation({ kind }: Operation): Promise<void> {
  if (kind === 'download') require('../../../src/hub/checkpoints');
  else if (kind === 'install') require('../../../src/libtorch');
  else {
    require('../../../src/hub');
    await (require('../../../src/torch') as typeof import('../../../src/torch')).openNative();
  }
}

/** Runs an operation, and returns the path of what it has made. */
export async function runOperation(operation: Operation): Promise<string> {
  switch (operation.kind) {
    case 'download': {
      const { fetchCheckpoint } =
        require('../../../src/hub/checkpoints') as typeof import('../../../src/hub/checkpoints');
      return await fetchCheckpoint(operation.origin, operation);
    }
    case 'build': {
      const { card } = require('../../../src/models') as typeof import('../../../src/models');
      const { cachedModel } =
        require('../../../src/hub/torchscript') as typeof import('../../../src/hub/torchscript');
      const model = card(modelName);
      const cached = await cachedModel(
        { ...model, origin: { ...model.origin, ...operation.origin } as FileOrigin },
        { hubDir: operation.hubDir, offline: true },
      );
      return 'torchScript' in cached ? cached.torchScript : cached.checkpoint;
    }
    case 'export': {
      const { hub } = require('../../../src/hub') as typeof import('../../../src/hub');
      const { target, weights } = operation;
      return await hub.exportTorchScript(modelName, target, { weights });
    }
    case 'install': {
      const { installLibTorch } =
        require('../../../src/libtorch/install') as typeof import('../../../src/libtorch/install');
      return (await installLibTorch({}, [operation.wheel])).dir;
    }
  }
}
