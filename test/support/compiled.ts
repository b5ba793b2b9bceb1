import { CompiledModule, formatCompiledMetadata } from '../../src/compiled';
import type { CompileRequest, Precision, ScriptModule } from '../../src/torch';
import { selectChoices } from './algorithms';
import { planExample } from './plans';

/** Compiles `forward` of a network of images of a shape [c, h, w], and opens the result. */
export async function compileNet(
  net: ScriptModule,
  path: string,
  { shape, precision }: { shape: readonly number[]; precision: CompileRequest['precision'] },
): Promise<CompiledModule> {
  await net.compile(path, {
    ...{ methods: ['forward'], name: 'the network', precision, example: planExample(shape) },
    describe: (plans) => formatCompiledMetadata({ semisup: '0.0.0', plans, extraFiles: {} }),
  });
  return await CompiledModule.open({ content: path, name: path });
}

/**
 * Plans `forward` of a network with the algorithms of its compiled model.
 *
 * @param cache the temporary tuning cache
 */
export async function planAsCompiled(
  net: ScriptModule,
  compiled: CompiledModule,
  { cache, shape, precision }: { cache: string; shape: readonly number[]; precision: Precision },
): Promise<void> {
  const example = planExample(shape);
  await net.plan('forward', example, { precision, plan: 'tune' });
  await selectChoices(cache, compiled.planOf('forward').choices!);
  const { kind, reason } = await net.plan('forward', example, { precision, plan: 'auto' });
  if (kind !== 'planned') throw new Error(reason);
}
