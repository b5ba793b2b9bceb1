// Synthetic scores of a pool of images. Those of an image depend on its number alone, not on its shard.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { shardName } from '../../lib/pseudo-labels/shard-info.js';
import { writeScoreFile } from '../../lib/pseudo-labels/write-score-file.js';

export const classesPerImage = 10;
const rowsPerPart = 4096;

/** Writes score files as `scorePool` does. */
export async function writeScores(directory, { images, classes, shards }) {
  mkdirSync(directory);
  const scoring = {
    conditions: { model: 'synthetic', precision: 'float32', classes, classesPerImage },
    probe: [1],
  };
  const size = Math.ceil(images / shards);
  for (let shard = 0; shard < shards; shard++) {
    const [start, end] = [shard * size, Math.min(images, (shard + 1) * size)];
    await writeScoreFile(join(directory, shardName(shard)), parts(start, end, classes), {
      ...{ scoring, pool: {}, shard, isLast: shard === shards - 1, images: end - start },
      ...{ names: '', unreadable: [] },
    });
  }
}

function* parts(start, end, classes) {
  for (let first = start; first < end; first += rowsPerPart) {
    yield rowsOf(first, Math.min(end, first + rowsPerPart), classes);
  }
}

function rowsOf(first, end, numClasses) {
  const size = end - first;
  const classes = Array.from({ length: classesPerImage }, () => new Int32Array(size));
  const scores = classes.map(() => new Float32Array(size));
  const images = [];
  for (let row = 0; row < size; row++) {
    const random = mulberry32(first + row);
    images.push(`train/${String((first + row) >> 10).padStart(5, '0')}/${first + row}.jpg`);
    const firstClass = Math.floor(random() * numClasses);
    let [rest, previous] = [1, 1];
    for (let rank = 0; rank < classesPerImage; rank++) {
      classes[rank][row] = (firstClass + 97 * rank) % numClasses;
      previous = Math.min(previous, rest * random());
      rest -= previous;
      scores[rank][row] = previous;
    }
  }
  return { images, classes, scores };
}

function mulberry32(seed) {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
