import { readFile, writeFile } from 'node:fs/promises';
import { withLock } from '../../../src/net/lock';

const [path, counter, times] = process.argv.slice(2);

async function main() {
  for (let i = 0; i < Number(times); i++) {
    await withLock(
      path!,
      async () => {
        const count = Number(await readFile(counter!, 'utf8'));
        await writeFile(counter!, String(count + 1));
      },
      { timing: { heartbeat: 2_000, poll: 1, stale: 30_000, confirm: 5_000, notice: 2_000 } },
    );
  }
}

void main();
