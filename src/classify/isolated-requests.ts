import type { DeviceName } from '../native';
import type { MethodSchema, Plan, PlanOptions } from '../torch';
import type { Transform } from '../types';
import type { Method } from './create-plan';

/** The argument of the request `load`. The body of the message begins with the archive, unless it has a path. */
export interface LoadRequest {
  readonly path?: string;
  /** The length of the archive in the body, in bytes: bodies are padded. */
  readonly length: number;
  readonly device?: DeviceName;
  readonly precision?: PlanOptions['precision'];
  readonly threads?: number;
  readonly instances?: number;
  readonly verify?: boolean;
  /** Whether the process must report its memory, because the system does not. */
  readonly reportMemory: boolean;
}

/** The answer to `load`. */
export interface LoadAnswer {
  readonly methods: Readonly<Record<string, MethodSchema>>;
  /** The content of the metadata file; undefined if the archive has none. */
  readonly metadata?: string;
  readonly isOnGpu: boolean;
  readonly instances: number;
}

/** The argument of the request `plan`. The calibration is a value in the message. */
export interface PlanRequest {
  readonly method: Method;
  readonly transform: Transform;
  readonly options: PlanOptions;
  readonly calibration?: object;
}

/** The argument of the request `invoke`. The arguments are a value in the message. */
export interface InvokeRequest {
  readonly method: string;
  readonly args: object;
  /** Those to return; all if absent. */
  readonly outputs?: readonly number[];
}

/** The argument of the request `gradCam`. The images are a value in the message. */
export interface GradCamRequest {
  readonly layer: string;
  readonly index?: number;
  readonly images: object;
}

/** More than any machine has, as in `ExecutorOptions`. */
const maxInstances = 1024;

/** Checks an answer of a process that is not trusted. @throws if it is not valid */
export function checkLoadAnswer(value: unknown): LoadAnswer {
  const { methods, metadata, isOnGpu, instances } = value as Record<string, unknown>;
  const isValid =
    typeof methods === 'object' &&
    methods !== null &&
    (metadata === undefined || typeof metadata === 'string') &&
    typeof isOnGpu === 'boolean' &&
    Number.isInteger(instances) &&
    (instances as number) >= 1 &&
    (instances as number) <= maxInstances;
  if (!isValid) throw new Error('it does not describe a module');
  return value as LoadAnswer;
}

/** Checks an answer of a process that is not trusted. @throws if it is not valid */
export function checkPlan(value: unknown): Plan {
  const { kind, device, precision, reason } = value as Record<string, unknown>;
  const isValid =
    ['planned', 'graph', 'interpreter'].includes(kind as string) &&
    [device, precision, reason].every((text) => typeof text === 'string');
  if (!isValid) throw new Error('it does not describe a plan');
  return value as Plan;
}
