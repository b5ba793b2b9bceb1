import type { Executor, Tensor } from '../native';
import type { GradCam, ScriptModule } from '../torch';

/** A module that a classifier runs: a `ScriptModule`, one in a child process, or a compiled one. */
export interface CallableModule extends Pick<
  ScriptModule,
  'extraFiles' | 'methods' | 'invoke' | 'close'
> {
  /** @internal */
  readonly executor: Executor;
  /** As `ScriptModule.invokeOutputs`. @internal */
  invokeOutputs(
    method: string,
    images: Tensor,
    outputs: readonly number[],
  ): Promise<Tensor<'float32'>[]>;
  /** As `ScriptModule.gradCam`; undefined if it computes no gradients. @internal */
  gradCam?(images: Tensor, layer: string, index?: number): Promise<GradCam>;
}
