// Writes networks by formula as TorchScript files: one, or one for each class that it is to prefer.
//   node --require tsx bench/support/make-model.ts FOLDER ARCHITECTURE [CLASS...]    prints the paths
import { join } from 'node:path';
import type { StateDict } from '../../src/checkpoint';
import { buildTorchScript, card } from '../../src/models';
import type { ArchitectureName } from '../../src/models/resnet';
import { generatedState } from '../../test/support/generated-checkpoint';

const source = { file: 'by formula', sha256: '0'.repeat(64) };

function preferring(state: StateDict, favourite: number): StateDict {
  const bias = state.tensors.get('fc.bias')!;
  const read = async () => {
    const values = new Float32Array((await bias.read()).slice().buffer);
    values[favourite]! += 100;
    return new Uint8Array(values.buffer);
  };
  return { ...state, tensors: new Map([...state.tensors, ['fc.bias', { ...bias, read }]]) };
}

async function make(architecture: ArchitectureName, state: StateDict, path: string): Promise<void> {
  const model = { ...card(`${architecture}_swsl`), licence: null };
  await buildTorchScript({ card: model, state, source, path });
  console.log(path);
}

async function makeAll(
  folder: string,
  architecture: ArchitectureName,
  favourites: readonly string[],
): Promise<void> {
  const state = generatedState(architecture);
  if (favourites.length === 0) await make(architecture, state, join(folder, `${architecture}.pt`));
  for (const favourite of favourites) {
    const path = join(folder, `${architecture}-prefers-${favourite}.pt`);
    await make(architecture, preferring(state, Number(favourite)), path);
  }
}

const [folder, architecture, ...favourites] = process.argv.slice(2);
void makeAll(folder!, architecture as ArchitectureName, favourites);
