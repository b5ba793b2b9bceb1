import assert from 'node:assert/strict';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

/** The plan of a convolution, or the error, in each precision. */
interface Outcome {
  readonly precision?: string;
  readonly code?: string;
  readonly message?: string;
  readonly isClose?: boolean;
}

const isX64 = process.arch === 'x64';
const title = 'a plan on a processor with fewer instructions';

// oneDNN accepts a limit on its instruction set, and then behaves as on an older processor.
(isX64 ? describe : describe.skip)(isX64 ? title : `${title} (skipped: x64 only)`, function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();

  async function plan(isa: string, options: object, env?: NodeJS.ProcessEnv): Promise<Outcome> {
    const { code, stdout, stderr } = await runNode(
      `const { openNative } = require('./src/torch');
       const { makeNet, syntheticImages } = require('./test/support/convolutions');
       const { planExample } = require('./test/support/plans');
       (async () => {
         await openNative();
         process.env.XDG_CACHE_HOME = ${JSON.stringify(directory.path)};
         const net = await makeNet(['return torch.relu(torch.conv2d(x, self.w, None))'], { w: [32, 16, 3, 3] });
         const input = syntheticImages([1, 16, 12, 12]);
         const expected = await (await net.forward(input)).data();
         const options = { plan: 'untuned', ...${JSON.stringify(options)} };
         const { precision } = await net.plan('forward', planExample([16, 12, 12]), options);
         const actual = await (await net.forward(input)).data();
         const largest = Math.max(...expected);
         const isClose = actual.every((value, i) => Math.abs(value - expected[i]) < 0.1 * largest);
         return { precision, isClose };
       })().catch(({ code, message }) => ({ code, message }))
         .then((outcome) => console.log(JSON.stringify(outcome)));`,
      [],
      { ...process.env, ONEDNN_MAX_CPU_ISA: isa, ...env },
    );
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Outcome;
  }

  for (const isa of ['AVX2', 'AVX512_CORE']) {
    it(`rejects bfloat16 and int8 when it is made, with the reason: ${isa}`, async () => {
      const bfloat16 = await plan(isa, { precision: 'bfloat16' });
      assert.equal(bfloat16.code, 'ERR_SEMISUP_OPTION_VALUE');
      assert.match(
        bfloat16.message!,
        /cannot run in bfloat16, because .* bfloat16 instructions\. Use/,
      );
      const int8 = await plan(isa, { precision: 'int8' });
      assert.equal(int8.code, 'ERR_SEMISUP_OPTION_VALUE');
      assert.match(
        int8.message!,
        /cannot run in int8, because oneDNN's 8-bit sums saturate without/,
      );
    });
  }

  it("skips them with precision 'auto'", async () => {
    assert.deepEqual(await plan('AVX2', { precision: 'auto', tolerance: 0.9 }), {
      precision: 'float32',
      isClose: true,
    });
  });

  it('computes in int8 with weights of 7 bits, which do not saturate', async () => {
    const env = { SEMISUP_CPU: 'avx2' };
    assert.deepEqual(await plan('AVX2', { precision: 'int8' }, env), {
      precision: 'int8',
      isClose: true,
    });
  });

  it('computes in float32', async () => {
    assert.deepEqual(await plan('AVX2', {}), { precision: 'float32', isClose: true });
  });

  for (const precision of ['bfloat16', 'int8']) {
    it(`computes in ${precision} with all instructions`, async function () {
      const outcome = await plan('DEFAULT', { precision });
      if (outcome.message?.includes('instructions')) {
        this.test!.title += ' (skipped: this processor lacks them)';
        this.skip();
      }
      assert.deepEqual(outcome, { precision, isClose: true });
    });
  }
});
