import { completeIsolation } from '../isolate';
import { invalidValue } from '../options';
import type { Plan } from '../torch';
import type { ClassifierOpenOptions } from './model-options';

/** @throws OptionError for options that a compiled model does not support, because they concern how it is planned */
export function checkCompiledOptions(
  {
    device = 'auto',
    precision = 'auto',
    tolerance,
    calibration,
    plan = 'auto',
    isolate,
    decode,
  }: ClassifierOpenOptions,
  compiled: Plan,
): void {
  const check = (isValid: boolean, name: string, expected: string, value: unknown) => {
    if (!isValid) throw invalidValue(name, `${expected} for a compiled model`, value);
  };
  check(device === 'auto' || device === 'cpu', 'device', `'auto' or 'cpu'`, device);
  check(
    precision === 'auto' || precision === compiled.precision,
    'precision',
    `'${compiled.precision}', with which it was compiled,`,
    precision,
  );
  check(tolerance === undefined, 'tolerance', 'none', tolerance);
  check(calibration === undefined, 'calibration', 'none', calibration);
  check(plan === 'auto', 'plan', `'auto'`, plan);
  check(decode !== 'gpu', 'decode', `'cpu'`, decode);
  check(
    !completeIsolation(isolate),
    'isolate',
    'false, because there is no code to isolate,',
    isolate,
  );
}
