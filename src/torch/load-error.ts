import { ModelError } from '../errors';
import type { Archive } from './archive';
import { readExcerpt, readExcerptSync, type FileExcerpt } from './file-excerpt';
import { identifyForeignFormat } from './foreign-format';

/** Adds the name of the archive to an error of the addon, and what the file is if it is not TorchScript. */
export async function explainLoadError(error: unknown, archive: Archive): Promise<unknown> {
  if (!(error instanceof ModelError)) return error;
  // If the file cannot be read, the error of the addon says so.
  return explain(error, archive, await readExcerpt(archive.content).catch(() => undefined));
}

/** Like `explainLoadError`, but blocks. */
export function explainLoadErrorSync(error: unknown, archive: Archive): unknown {
  if (!(error instanceof ModelError)) return error;
  let excerpt: FileExcerpt | undefined;
  try {
    excerpt = readExcerptSync(archive.content);
  } catch {
    // As above.
  }
  return explain(error, archive, excerpt);
}

function explain(error: ModelError, { name }: Archive, excerpt?: FileExcerpt): ModelError {
  if (error.code === 'ERR_SEMISUP_MODEL_UNSAFE') {
    const what = `${name} was refused: ${error.what}`;
    return new ModelError(error.code, { what, remedy: error.remedy, value: name, cause: error });
  }
  const foreign = excerpt && identifyForeignFormat(excerpt);
  return new ModelError(error.code, {
    what: foreign
      ? `${name} could not be loaded as TorchScript: it ${foreign.is}.`
      : `${name} could not be loaded as TorchScript: ${error.what}`,
    remedy: foreign?.remedy ?? error.remedy,
    value: name,
    cause: error,
  });
}
