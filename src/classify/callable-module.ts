import type { Executor } from '../native';
import type { ScriptModule } from '../torch';

/** A module that a classifier runs: a `ScriptModule`, one in a child process, or a compiled one. */
export interface CallableModule extends Pick<
  ScriptModule,
  'extraFiles' | 'methods' | 'invoke' | 'close'
> {
  /** @internal */
  readonly executor: Executor;
}
