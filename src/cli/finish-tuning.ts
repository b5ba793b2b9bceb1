import type { Classifier } from '../classify';
import { note } from './terminal';

/** Waits for the tuning of a model, of which later commands need the result. */
export async function finishTuning(model: Classifier): Promise<void> {
  const { name } = model.metadata;
  if (model.isTuning && process.stderr.isTTY) {
    note(`Tuning ${name} for this processor. This happens once; press Ctrl-C to skip it.`);
  }
  await model.whenTuned();
}
