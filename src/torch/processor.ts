import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * The model of the processor, e.g. `Neoverse-N1`. Node does not know the names of newer Arm processors: on Linux, they
 * are identified by the numbers of the implementer and the part, e.g. `Arm processor 0x41 0xd4f`.
 */
export function processorModel(): string {
  const model = cpus()[0]?.model.trim();
  if (model && model !== 'unknown') return model;
  return armModel(readCpuInfo()) ?? 'unknown processor';
}

/** @param cpuInfo the contents of Linux's /proc/cpuinfo on Arm, whose cores may differ */
export function armModel(cpuInfo: string): string | undefined {
  const cores = cpuInfo.matchAll(/^CPU implementer\s*: (\w+)$[^]*?^CPU part\s*: (\w+)$/gm);
  const kinds = new Set([...cores].map(([, implementer, part]) => `${implementer} ${part}`));
  return kinds.size === 0 ? undefined : `Arm processor ${[...kinds].sort().join(', ')}`;
}

function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    // Another system, or Node's permission model forbids it.
    return '';
  }
}
