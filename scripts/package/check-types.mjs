// Checks the packed package with publint and Are The Types Wrong, for CommonJS and ES module consumers. Both are
// fetched in pinned versions when this runs: they are too large to install for every contributor.
//   npm run check:types
import { pack, run, withDirectory } from './installed.mjs';

const tools = [
  ['publint@0.3.25', '--strict'],
  ['@arethetypeswrong/cli@0.18.5', '--no-emoji', '--no-color'],
];

await withDirectory((directory) => {
  const { file } = pack(directory);
  for (const [tool, ...options] of tools) {
    const { stdout } = run('npx', ['--yes', tool, file, ...options], { cwd: directory });
    console.log(stdout);
  }
});
