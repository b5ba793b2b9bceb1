// The embeddings that `teach` has cached.
import { createReadStream, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { openDataset } from '../../lib/index.js';
import { RowsFile } from '../../lib/embeddings/index.js';
import { userCache } from '../../lib/libtorch/index.js';
import { readPhotos } from '../../lib/teach/read-photos.js';

/** The images of a dataset, their embeddings [n, d] and labels, from the cached file that has all of them. */
export async function cachedFeatures(dataset) {
  const opened = typeof dataset === 'string' ? await openDataset(dataset) : dataset;
  const { photos } = await readPhotos(opened, {});
  const cache = join(userCache(), 'embeddings');
  for (const name of readdirSync(cache).filter((one) => one.endsWith('.rows'))) {
    const rows = await open(join(cache, name));
    try {
      if (!photos.every(({ sha256 }) => rows.has(sha256, ''))) continue;
      const features = new Float32Array(photos.length * rows.dimensions);
      let position = 0;
      const hashes = photos.map(({ sha256 }) => sha256);
      for await (const { embedding } of rows.read(hashes, new AbortController().signal)) {
        features.set(embedding, position);
        position += embedding.length;
      }
      const classes = [...new Set(photos.map(({ label }) => label))].sort();
      const labels = Int32Array.from(photos, ({ label }) => classes.indexOf(label));
      return { photos, features, labels, dimensions: rows.dimensions, classes: classes.length };
    } finally {
      await rows.close();
    }
  }
  throw new Error(`No file in ${cache} has the embeddings of ${opened.name}.`);
}

async function open(path) {
  for await (const line of createInterface(createReadStream(path))) {
    const conditions = JSON.parse(line);
    delete conditions.format;
    return await RowsFile.open(path, conditions);
  }
}
