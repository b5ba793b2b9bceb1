import { TrainingError } from '../errors';
import type { ScriptModule, TrainerSettings } from '../torch';
import type { TrainingSettings } from './finetune-options';
import { frozenNormalizations, groupParameters } from './parameter-groups';

/** Of AdamW, as in PyTorch. */
const adamw = { name: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const;

/**
 * How a module is trained.
 *
 * @throws TrainingError if it has no parameters
 */
export async function trainerSettings(
  module: ScriptModule,
  settings: TrainingSettings,
): Promise<TrainerSettings> {
  const parameters = Object.entries(await module.parameters());
  if (parameters.length === 0) throw withoutParameters();
  const shapes = new Map(parameters.map(([name, { shape }]) => [name, shape]));
  const groups = groupParameters(shapes, settings);
  const trained = new Set(groups.flatMap(({ names }) => names));
  const buffers = Object.keys(await module.buffers());
  const { optimizer, momentum, labelSmoothing, clipNorm, ema, precision } = settings;
  return {
    optimizer: optimizer === 'sgd' ? { name: 'sgd', momentum, nesterov: momentum > 0 } : adamw,
    groups,
    evalModules: frozenNormalizations(buffers, trained, settings.freezeBatchNorm),
    ...{ labelSmoothing, clipNorm, emaDecay: ema, autocast: precision === 'bfloat16' },
  };
}

function withoutParameters(): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_MODULE', {
    what: 'The module has no parameters: train() changes nothing in a module that was frozen.',
    remedy: 'Pass a module that was saved before torch.jit.freeze.',
  });
}
