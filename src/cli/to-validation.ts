import { openDataset } from '../dataset';
import type { FinetuneOptions } from '../train';

/** The images to judge by that a flag names: a dataset, or a share. */
export async function toValidation(
  text: string | undefined,
): Promise<FinetuneOptions['validation']> {
  if (text === undefined) return undefined;
  const share = Number(text);
  return text.trim() === '' || Number.isNaN(share) ? await openDataset(text) : share;
}
