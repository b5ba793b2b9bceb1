// Prints the methods of a TorchScript file and what its forward() returns for random tensors.
//   node examples/own-module.mjs model.pt 1,3,224,224
import { ScriptModule, SemisupError, Tensor } from 'semisup';

const [path, ...shapes] = process.argv.slice(2);
if (!path) {
  console.error(
    'Usage: node examples/own-module.mjs FILE [SHAPE …], for example model.pt 1,3,224,224',
  );
  process.exit(2);
}

try {
  const module = await ScriptModule.load(path);
  for (const [method, schema] of Object.entries(module.methods)) {
    const list = schema.arguments.map(({ name, type }) => `${name}: ${type}`).join(', ');
    console.log(`${method}(${list}) -> ${schema.returns}`);
  }
  if (shapes.length > 0) {
    const inputs = shapes.map((shape) => random(shape.split(',').map(Number)));
    console.log(`\nforward returns ${describe(await module.forward(...inputs))}`);
  }
  await module.close();
} catch (error) {
  if (!(error instanceof SemisupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function random(shape) {
  const length = shape.reduce((product, side) => product * side, 1);
  return Tensor.from(Float32Array.from({ length }, Math.random), shape);
}

/** Describes a tensor by its dtype and shape, and a container by its elements. */
function describe(value) {
  if (value instanceof Tensor) return `${value.dtype} [${value.shape.join(', ')}]`;
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return `{ ${entries.map(([key, element]) => `${key}: ${describe(element)}`).join(', ')} }`;
}
