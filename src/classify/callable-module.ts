import type { Executor, ScriptModule } from '../torch';

/** A module that a classifier runs: a `ScriptModule`, or one in a child process. */
export interface CallableModule extends Pick<
  ScriptModule,
  'extraFiles' | 'methods' | 'invoke' | 'close'
> {
  /** @internal */
  readonly executor: Executor;
}
