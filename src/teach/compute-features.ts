import type { Classifier } from '../classify';
import type { Conditions } from '../conditions';
import type { Dataset } from '../dataset';
import type { Photo } from '../learning';
import { rejectOnAbort } from '../native';
import type { BaseModel } from './base-model';
import { embedPhotos, type EmbeddingRun } from './embed-photos';
import { withEmbeddingCache } from './embedding-cache';
import type { TeachOptions } from './teach-options';

/** The embeddings of the images that can be decoded. */
export interface Features {
  readonly photos: readonly Photo[];
  /** [n, d] */
  readonly features: Float32Array;
  readonly run: EmbeddingRun;
}

/** Computes the embeddings of images, or reads them from the cache. @throws EmbeddingsError, CacheError */
export async function computeFeatures(
  { classifier, identity }: BaseModel,
  dataset: Dataset,
  all: readonly Photo[],
  options: TeachOptions,
): Promise<Features> {
  const { orient = false } = options;
  // A tuned plan that replaces the first one in between would change embeddings in their last digits.
  await rejectOnAbort(options.signal, classifier.whenTuned());
  const conditions = conditionsOf(classifier, identity, orient);
  return await withEmbeddingCache(conditions, options.signal, async (rows, signal) => {
    const run = await embedPhotos(classifier, dataset, all, rows, { ...options, orient, signal });
    const photos = all.filter(({ sha256 }) => rows.has(sha256, ''));
    const dimensions = rows.dimensions ?? 0;
    const features = new Float32Array(photos.length * dimensions);
    let position = 0;
    for await (const { embedding } of rows.read(
      photos.map(({ sha256 }) => sha256),
      signal,
    )) {
      features.set(embedding, position);
      position += dimensions;
    }
    return { photos, features, run };
  });
}

/** All that the embeddings depend on. */
function conditionsOf(
  { metadata, plan }: Classifier,
  model: BaseModel['identity'],
  orient: boolean,
): Conditions {
  const device = plan.device.startsWith('cpu') ? 'cpu' : 'gpu';
  return { model, precision: plan.precision, device, transform: metadata.transform, orient };
}
