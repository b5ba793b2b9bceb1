import { ModelError } from '../errors';
import type { InstructionSet } from '../native';
import { checkWritable, writeFileAtomically } from './archive';
import type { TorchExecutor } from './executor';
import type { CompiledNetwork, ModuleHandle } from './native';
import type { PlanChoices, PlanMeasurements } from './plan-choices';
import type { PlanExample } from './plan-request';
import type { CpuPrecision } from './precision';

/** The target duration of tuning, in seconds; it may take a few times as long. */
const tuningSeconds = 2;

/** What to compile. */
export interface CompileRequest {
  readonly methods: readonly string[];
  readonly precision: CpuPrecision;
  readonly example: PlanExample;
  /** The name of the model, for messages. */
  readonly name: string;
  /** Those of the first method, if they are known. */
  readonly choices?: PlanChoices;
  /** Compiled models whose networks are added. */
  readonly files?: readonly string[];
  /** The metadata of the file. */
  readonly describe: (methods: readonly CompiledMethodPlan[]) => string;
}

/** How a method was compiled: a part of the metadata of a compiled model. */
export interface CompiledMethodPlan {
  readonly method: string;
  readonly precision: CpuPrecision;
  /** What its weights are packed for. */
  readonly instructionSet: InstructionSet;
  readonly choices: PlanChoices;
  /** On the machine that compiled it; absent if nothing was measured. */
  readonly measured?: PlanMeasurements;
}

/**
 * Writes a compiled model (docs/compiled-models.md), atomically. Methods with the same convolutions share the
 * algorithms of the first one, and so its weights. Methods other than the first are omitted if they cannot be
 * compiled.
 *
 * @throws ModelError `ERR_SEMISUP_MODEL_KIND` if the first method cannot be compiled, `…_WRITE` if the file cannot be
 *   written
 */
export async function writeCompiledModel(
  { native, handle }: TorchExecutor,
  module: ModuleHandle,
  path: string,
  { methods, precision, example, name, files = [], describe, ...request }: CompileRequest,
): Promise<void> {
  await checkWritable(path);
  const networks: CompiledNetwork['network'][] = [];
  const plans: CompiledMethodPlan[] = [];
  let { choices } = request;
  const images = await example.createBatch();
  try {
    for (const method of methods) {
      const compiled = await native.compileMethod(
        ...([handle, module, method, precision, images.handle, choices, tuningSeconds] as const),
      );
      if ('reason' in compiled) {
        if (method !== methods[0]) continue;
        throw cannotCompile(name, method, precision, compiled.reason);
      }
      const { network, ...plan } = compiled;
      networks.push(network);
      plans.push({ method, precision, ...plan });
      choices ??= plan.choices;
    }
  } finally {
    images.dispose();
  }
  const metadata = describe(plans);
  await writeFileAtomically(path, (temporary) =>
    native.writeCompiled(handle, temporary, metadata, networks, files),
  );
}

function cannotCompile(name: string, method: string, precision: string, reason: string) {
  return new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what: `${name} cannot be compiled: ${method}() cannot run in ${precision} without LibTorch, because ${reason}.`,
    remedy: 'Use it as TorchScript.',
    value: name,
  });
}
