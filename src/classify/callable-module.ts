import type { ScriptModule } from '../torch';

/** A module that a classifier runs: a `ScriptModule`, or one in a child process. */
export type CallableModule = Pick<
  ScriptModule,
  'executor' | 'extraFiles' | 'methods' | 'invoke' | 'close'
>;
