import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * The model of the processor, e.g. `Neoverse-N1`. Node does not know the names of newer Arm processors: they are
 * identified as Linux does, e.g. `Arm processor 0x41 0xd4f` by the implementer and the part.
 */
export function processorModel(): string {
  const model = cpus()[0]?.model.trim();
  if (model && model !== 'unknown') return model;
  const fields = armFields();
  return fields ? `Arm processor ${fields}` : 'unknown processor';
}

/** The implementers and parts of all cores: there may be two kinds. */
function armFields(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'arm64') return undefined;
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const cores = text.matchAll(/^CPU implementer\s*: (\w+)$[^]*?^CPU part\s*: (\w+)$/gm);
    const kinds = new Set([...cores].map(([, implementer, part]) => `${implementer} ${part}`));
    return [...kinds].sort().join(', ') || undefined;
  } catch {
    // Node's permission model may forbid it.
    return undefined;
  }
}
