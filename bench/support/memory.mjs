// The memory of a process, in MiB, on Linux.
import { readFileSync } from 'node:fs';

/**
 * `private`: modified pages, which no process can share; `pss`: shared pages counted in proportion; `resident`: all, also
 * those of mapped files.
 */
export function memoryOf(pid = 'self') {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)[1]) / 1024;
  return {
    private: field('Private_Dirty'),
    pss: field('Pss'),
    resident: field('Rss'),
  };
}
