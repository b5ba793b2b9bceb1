// Installs LibTorch when the application starts for the first time, then classifies an image.
//   node examples/install-libtorch.mjs [IMAGE] [MODEL]
import { fileURLToPath } from 'node:url';
import { Classifier, hub, libtorch, SemisupError } from 'semisup';

const clock = fileURLToPath(new URL('clock.jpg', import.meta.url));
const [image = clock, name = 'resnet50_baseline'] = process.argv.slice(2);

try {
  if (!(await libtorch.find())) await install();
  const model = name.endsWith('.pt') ? await Classifier.open(name) : await hub.load(name);
  const [best] = await model.classify(image, { topk: 1 });
  console.log(`${best.label} (${(100 * best.score).toFixed(1)} %)`);
  await model.close();
} catch (error) {
  if (!(error instanceof SemisupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** Downloads and unpacks LibTorch with a progress bar. Ctrl-C cancels it; the next start continues. */
async function install() {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  try {
    const { dir } = await libtorch.install({ onProgress: show, signal: abort.signal });
    console.error(`\nLibTorch is installed in ${dir}.`);
  } catch (error) {
    console.error();
    if (!abort.signal.aborted) throw error;
    process.exit(130);
  }
}

/** `received` and `total` are bytes of `file`; most builds consist of one file. */
function show({ phase, file, received, total }) {
  const bar = '█'.repeat(Math.round((20 * received) / total)).padEnd(20, '░');
  const title = phase === 'fetch' ? 'Downloading' : 'Unpacking';
  const megabytes = (bytes) => Math.round(bytes / 1e6);
  process.stderr.write(
    `\r\x1b[K${title} ${file.split('-')[0]} ${bar} ${megabytes(received)} of ${megabytes(total)} MB`,
  );
}
