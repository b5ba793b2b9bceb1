// Runs in a project where semisup is installed, from any package manager, on any version of Node or another
// runtime: loads the package both ways, without and with LibTorch, and compares results with those of the checkout.
//   node smoke.mjs <inputs, see test/support/smoke-inputs.ts> [plan]
//   node smoke.mjs without-libtorch
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hub, Tensor, ScriptModule, ModelSlot, Classifier, SemisupError, versions } from 'semisup';

const [inputs, plan] = process.argv.slice(2);

/** The largest accepted difference of a logit: kernels differ between processors, not only in rounding. */
const tolerance = 1e-3;

checkExports();
if (inputs === 'without-libtorch') checkErrorWithoutLibTorch();
else await checkResults();
console.log(`ok: semisup ${versions.semisup}, ${process.platform}-${process.arch}`);

function checkExports() {
  const required = createRequire(import.meta.url)('semisup');
  const imported = { hub, Tensor, ScriptModule, ModelSlot, Classifier, SemisupError, versions };
  for (const [name, value] of Object.entries(imported)) assert.equal(required[name], value, name);
  assert.equal(hub.list('resnet18_*').length, 2);
}

/** What does not need LibTorch works; the first use of it must say what to run. */
function checkErrorWithoutLibTorch() {
  const tensor = Tensor.from([1, 2]);
  assert.deepEqual([...tensor.dataSync()], [1, 2]);
  assert.throws(
    () => tensor.to({ dtype: 'int8' }),
    (error) =>
      error instanceof SemisupError &&
      error.code === 'ERR_SEMISUP_LIBTORCH_NOT_FOUND' &&
      error.message.includes('npx semisup libtorch install'),
  );
}

async function checkResults() {
  const expected = JSON.parse(readFileSync(join(inputs, 'expected.json'), 'utf8'));
  const bytes = readFileSync(join(inputs, 'image.f32'));
  const pixels = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const weights = join(inputs, 'weights.safetensors');
  const model = await hub.load('resnet18_swsl', { weights, device: 'cpu', plan });
  assert.ok(model instanceof Classifier);
  await checkModel(model, expected, pixels);
  const directory = mkdtempSync(join(tmpdir(), 'semisup-smoke-'));
  try {
    const compiled = await Classifier.open(await model.compile(join(directory, 'compiled')));
    assert.equal(compiled.plan.kind, 'compiled');
    await checkModel(compiled, expected, pixels);
    await compiled.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
  await model.close();
}

/** Compares logits and predictions with those of the checkout. */
async function checkModel(model, expected, pixels) {
  const image = Tensor.from(pixels, [1, 3, 224, 224]);
  const output = await model.forward(image);
  const logits = await output.data();
  assert.equal(logits.length, expected.logits.length);
  const difference = Math.max(...logits.map((logit, i) => Math.abs(logit - expected.logits[i])));
  assert.ok(difference < tolerance, `The logits differ by ${difference}.`);
  const predictions = await model.classify(join(inputs, 'photo.jpg'), { topk: 5 });
  assert.deepEqual(
    predictions.map(({ index, label }) => [index, label]),
    expected.predictions.map(({ index, label }) => [index, label]),
  );
  for (const [i, { score }] of predictions.entries()) {
    assert.ok(Math.abs(score - expected.predictions[i].score) < tolerance, `${score}`);
  }
  image.dispose();
  output.dispose();
  console.log(`largest difference of ${logits.length} logits: ${difference}`);
}
