import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

/** Replaces the function by which LibTorch says whether it was built with oneDNN. */
const library = 'int _ZN2at7Context9hasMKLDNNEv(void) { return 0; }\n';

const program = `
  const { ScriptModule } = require('./src/torch');
  const { Tensor } = require('./src/native');
  const { makeNet } = require('./test/support/convolutions');
  const { b, side, start, weights } = require('./test/support/plan-cases');
  const { planExample } = require('./test/support/plans');
  void (async () => {
    const net = await makeNet([start, \`return \${b('torch.relu(y)')}\`], weights);
    const options = { precision: 'float32', plan: 'untuned' };
    const { kind, reason } = await net.plan('forward', planExample([3, side, side]), options);
    console.log(\`\${kind}: \${reason}\`);
    await net.close();
  })();
`;

describe('a LibTorch without oneDNN, such as the wheel for macOS', function () {
  this.timeout(60_000);
  const temporary = temporaryDirectory();

  before(function () {
    if (process.platform !== 'linux' || spawnSync('cc', ['--version']).status !== 0) {
      this.test!.parent!.title += ' (skipped: it is imitated with a C compiler on Linux)';
      this.skip();
    }
  });

  it('leaves the model to TorchScript and says why', async () => {
    const source = join(temporary.path, 'without_onednn.c');
    const preload = join(temporary.path, 'without_onednn.so');
    writeFileSync(source, library);
    const { status } = spawnSync('cc', ['-shared', '-fPIC', '-o', preload, source]);
    assert.equal(status, 0);
    // A sanitizer's library stays first.
    const LD_PRELOAD = [process.env.LD_PRELOAD ?? '', preload].join(' ').trim();
    const { stdout, stderr } = await runNode(program, [], { ...process.env, LD_PRELOAD });
    assert.equal(stderr, '');
    assert.equal(
      stdout,
      'interpreter: The model cannot be planned: this LibTorch is built without oneDNN.\n',
    );
  });
});
