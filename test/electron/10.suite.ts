import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../support/run-node';
import { builds, electronOrSkip, majors } from './support/builds';
import { install, switches } from './support/installation';
import { runElectron } from './support/run-electron';

/** Files of the test suite that neither start Node nor take long. */
const files = [
  '20.checkpoint/20.zip.ts',
  '20.checkpoint/40.safetensors.ts',
  '40.torch/10.tensor.ts',
  '40.torch/12.elements.ts',
  '40.torch/13.nested.ts',
  '40.torch/14.print.ts',
  '40.torch/20.script-module.ts',
  '40.torch/40.arguments.ts',
  '40.torch/60.state.ts',
  '50.image/10.decode.ts',
  '50.image/60.formats.ts',
  '80.classify/15.batcher.ts',
  '85.slot/20.calls.ts',
  '88.search/20.file.ts',
];

/** Those that use functions of Node 20 themselves. */
const filesForNode20 = [
  '40.torch/30.values.ts',
  '50.image/15.inputs.ts',
  '50.image/20.bad-input.ts',
  '88.search/10.index.ts',
];

interface SuiteResult {
  readonly electron: string;
  readonly node: string;
  readonly passes: number;
  readonly pending: number;
  readonly failures: readonly string[];
}

for (const major of majors) {
  const { version, node } = builds[major];
  describe(`the test suite in Electron ${version} (Node ${node})`, () => {
    for (const kind of ['main', 'utility', 'as Node'] as const) {
      it(
        kind === 'as Node' ? 'passes with ELECTRON_RUN_AS_NODE' : `passes in the ${kind} process`,
        async function () {
          const electron = await electronOrSkip(this, major);
          const names = major === 28 ? files : [...files, ...filesForNode20];
          const result = await runSuite(electron, kind, names);
          assert.deepEqual(result.failures, []);
          assert.equal(result.electron, version);
          assert.ok(result.passes > 250, `${result.passes} tests passed`);
          this.test!.title += `: ${result.passes} tests, ${result.pending} skipped`;
        },
      );
    }
  });
}

async function runSuite(
  electron: string,
  kind: 'main' | 'utility' | 'as Node',
  names: readonly string[],
): Promise<SuiteResult> {
  const app = join(__dirname, 'apps', 'suite');
  const env = {
    SUITE_FILES: JSON.stringify(names.map((name) => join(root, 'test', name))),
    SUITE_PROCESS: kind,
  };
  if (kind === 'as Node') {
    const asNode = { ...env, ELECTRON_RUN_AS_NODE: '1' };
    return parse(await runElectron(electron, [join(app, 'as-node.cjs')], asNode));
  }
  const installation = await install(electron);
  try {
    await symlink(app, join(installation.resources, 'app'));
    return parse(await runElectron(installation.executable, switches, env));
  } finally {
    await installation.remove();
  }
}

function parse({
  code,
  signal,
  stdout,
  stderr,
}: Awaited<ReturnType<typeof runElectron>>): SuiteResult {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
  return JSON.parse(line) as SuiteResult;
}
