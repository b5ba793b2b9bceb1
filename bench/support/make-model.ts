// Writes networks with synthetic weights as TorchScript files and prints their paths: one network, or one
// per CLASS that predicts this class for every image.
//   node --require tsx bench/support/make-model.ts FOLDER ARCHITECTURE [CLASS...]
import { join } from 'node:path';
import type { StateDict } from '../../src/checkpoint';
import { buildTorchScript } from '../../src/convert';
import { card } from '../../src/models';
import type { ArchitectureName } from '../../src/models/resnet';
import { generatedState } from '../../test/support/generated-checkpoint';

const source = { file: 'synthetic', sha256: '0'.repeat(64) };

function withPredictedClass(state: StateDict, index: number): StateDict {
  const bias = state.tensors.get('fc.bias')!;
  const read = async () => {
    const values = new Float32Array((await bias.read()).slice().buffer);
    values[index]! += 100;
    return new Uint8Array(values.buffer);
  };
  return { ...state, tensors: new Map([...state.tensors, ['fc.bias', { ...bias, read }]]) };
}

async function make(architecture: ArchitectureName, state: StateDict, path: string): Promise<void> {
  const model = { ...card(`${architecture}_swsl`), license: null };
  await buildTorchScript({ card: model, state, source, path });
  console.log(path);
}

async function makeAll(
  folder: string,
  architecture: ArchitectureName,
  classes: readonly string[],
): Promise<void> {
  const state = generatedState(architecture);
  if (classes.length === 0) await make(architecture, state, join(folder, `${architecture}.pt`));
  for (const index of classes) {
    const path = join(folder, `${architecture}-class-${index}.pt`);
    await make(architecture, withPredictedClass(state, Number(index)), path);
  }
}

const [folder, architecture, ...classes] = process.argv.slice(2);
void makeAll(folder!, architecture as ArchitectureName, classes);
