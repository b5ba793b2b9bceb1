import { withLock } from '../../../src/net/lock';

const [path] = process.argv.slice(2);

void withLock(path!, async () => {
  console.log('held');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
