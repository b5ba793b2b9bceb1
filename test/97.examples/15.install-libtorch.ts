import assert from 'node:assert/strict';
import { join } from 'node:path';
import { hub } from '../../src/hub';
import { namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { generatedWeights } from '../support/generated-weights';
import { file, someBytes, TestServer } from '../support/http-server';
import { root, runExample } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('examples/install-libtorch.mjs', function () {
  this.timeout(120_000);
  const generated = generatedWeights();
  const directory = temporaryDirectory();
  const server = new TestServer();
  temporaryEnvironment();
  let model: string;

  before(async () => {
    model = join(generated.directory, 'model.pt');
    await hub.exportTorchScript('resnet18_swsl', model, { weights: generated.weights });
  });

  const run = () =>
    runExample('install-libtorch.mjs', [join(root, 'examples', 'clock.jpg'), model]);

  it('classifies at once if LibTorch is installed', async () => {
    const { code, stdout, stderr } = await run();
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^.+ \(\d+\.\d %\)\n$/);
  });

  it('downloads LibTorch otherwise, and shows the progress and the error', async () => {
    server.handler = file(someBytes(1000));
    setEnvironment({
      XDG_CACHE_HOME: directory.path,
      SEMISUP_LIBTORCH: undefined,
      LIBTORCH: undefined,
      LIBTORCH_USE_PYTORCH: undefined,
      SEMISUP_OFFLINE: undefined,
      SEMISUP_LIBTORCH_MIRROR: server.origin,
      PATH: directory.path,
    });
    const { code, stdout, stderr } = await run();
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, /\r\S*Downloading torch ░{20} 0 of \d{3} MB/);
    assert.match(stderr, /\nhttp.*torch-2\.13\.0\S* has 1000 bytes instead of \d+\. /);
    assert.deepEqual(await namesIn(join(directory.path, 'semisup', 'libtorch')), []);
  });
});
