import { readFileSync } from 'node:fs';

/** The intervals at which memory is measured, in milliseconds. */
const intervals = { busy: 50, idle: 1000 };

/** The resident memory of a process in bytes; undefined where the system does not say. */
export type MemoryProbe = (pid: number) => number | undefined;

/** Reads the resident memory of a process from `/proc`, which exists on Linux only. */
export function readResidentMemory(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Measures the memory of a process repeatedly. Does not keep the event loop alive. */
export class MemoryWatch {
  #timer: NodeJS.Timeout | undefined;

  /** @param onSample called with the resident memory in bytes */
  constructor(
    private readonly pid: number,
    private readonly onSample: (bytes: number) => void,
    private readonly probe: MemoryProbe = readResidentMemory,
  ) {}

  /** Whether the system says how much memory the process has; otherwise it must report that itself. */
  get isAvailable(): boolean {
    return this.probe(this.pid) !== undefined;
  }

  /** Measures more often while a call runs. */
  start(state: 'busy' | 'idle'): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const bytes = this.probe(this.pid);
      this.start(state);
      if (bytes !== undefined) this.onSample(bytes);
    }, intervals[state]).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
