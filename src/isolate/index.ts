export type { Message } from './channel';
export { answerError } from './failures';
export { IsolatedProcess, type ProcessOptions } from './isolated-process';
export { completeIsolation, type CompleteLimits, type IsolationLimits } from './limits';
export { serve, type Answer } from './serve';
export { decodeValue, disposeTensors, encodeValue, type TransferredValue } from './value-transfer';
