// Writes ResNet-18s by formula as TorchScript files, which differ in the class that they prefer.
//   node --require tsx bench/support/make-resnet18.ts FOLDER CLASS...      prints the paths
import { join } from 'node:path';
import type { StateDict } from '../../src/checkpoint';
import { buildTorchScript, card } from '../../src/models';
import { generatedState } from '../../test/support/generated-checkpoint';

const source = { file: 'by formula', sha256: '0'.repeat(64) };

function preferring(favourite: number): StateDict {
  const state = generatedState('resnet18');
  const bias = state.tensors.get('fc.bias')!;
  const read = async () => {
    const values = new Float32Array((await bias.read()).slice().buffer);
    values[favourite]! += 100;
    return new Uint8Array(values.buffer);
  };
  return { ...state, tensors: new Map([...state.tensors, ['fc.bias', { ...bias, read }]]) };
}

async function make(folder: string, favourites: readonly number[]): Promise<void> {
  for (const favourite of favourites) {
    const path = join(folder, `prefers-${favourite}.pt`);
    const model = { ...card('resnet18_swsl'), licence: null };
    await buildTorchScript({ card: model, state: preferring(favourite), source, path });
    console.log(path);
  }
}

const [folder, ...favourites] = process.argv.slice(2);
void make(folder!, favourites.map(Number));
