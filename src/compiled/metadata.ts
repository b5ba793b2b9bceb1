import type { CompiledMethodPlan } from '../torch';

/** The version of the metadata that this package writes, and the only one that it reads. */
const format = 1;

/** The metadata of a compiled model. */
export interface CompiledMetadata {
  /** The version of the package that compiled it. */
  readonly semisup: string;
  readonly plans: readonly CompiledMethodPlan[];
  /** As those of a TorchScript archive. */
  readonly extraFiles: Readonly<Record<string, string>>;
}

/** The metadata as the text that a compiled model contains. */
export function formatCompiledMetadata(metadata: CompiledMetadata): string {
  return JSON.stringify({ format, ...metadata });
}

/** Reads the metadata of a file, which is untrusted. @throws Error with the problem, as a clause */
export function parseCompiledMetadata(text: string): CompiledMetadata {
  const metadata = JSON.parse(text) as Partial<CompiledMetadata> & { format?: unknown };
  if (metadata.format !== format) throw new Error('its metadata are of another version');
  const { semisup, plans, extraFiles } = metadata;
  const isValid =
    typeof semisup === 'string' &&
    Array.isArray(plans) &&
    plans.every((plan) => typeof plan === 'object' && plan !== null) &&
    typeof extraFiles === 'object' &&
    Object.values(extraFiles).every((content) => typeof content === 'string');
  if (!isValid) throw new Error('its metadata are invalid');
  return { semisup, plans, extraFiles };
}
