import { readFileSync } from 'node:fs';

/**
 * Whether an owner stands for the users outside of this process's user namespace, root among them. In sandboxes
 * (Flatpak, bubblewrap) even `/` belongs to it. No process inside can have it.
 */
export function isOutsideNamespace(uid: number): boolean {
  try {
    if (uid !== Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'))) return false;
    const ranges = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
    return !ranges
      .map((range) => range.trim().split(/\s+/).map(Number) as [number, number, number])
      .some(([first, , count]) => uid >= first && uid < first + count);
  } catch {
    return false;
  }
}
