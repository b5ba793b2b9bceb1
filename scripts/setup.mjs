// Sets up a clone: compiles TypeScript to lib/, finds or downloads LibTorch, compiles the addon into build/.
// `npm install` runs it in a clone (never for the published package); `--native` skips TypeScript. It compiles
// the addon of an installed package too, on a platform without a prebuilt one:
//   node node_modules/semisup/scripts/setup.mjs --native
import { createRequire } from 'node:module';
import { compileAddon, provideLibTorch, run, step } from './build-addon.mjs';

const require = createRequire(import.meta.url);

// npm runs `prepare` before packing too, where `prepack` has checked what is compiled.
const isPacking = ['pack', 'publish'].includes(process.env.npm_command);

try {
  if (!isPacking) await setUp();
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}

async function setUp() {
  if (!process.argv.includes('--native')) {
    step('Compiling TypeScript');
    run(require.resolve('typescript/bin/tsc'), ['-p', 'tsconfig.build.json']);
  }
  const { dir } = await provideLibTorch();
  compileAddon({ libtorch: dir });
}
