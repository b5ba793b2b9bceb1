import { PassThrough, type Readable } from 'node:stream';

/**
 * The pieces of a body. Where the connection is cut, all that came before is given before the error is
 * thrown; iterating the body itself would drop what is buffered.
 */
export async function* pieces(body: Readable): AsyncGenerator<Uint8Array, void> {
  const through = new PassThrough();
  let failure: Error | undefined;
  body.on('data', (piece: Uint8Array) => {
    if (!through.write(piece)) body.pause();
  });
  through.on('drain', () => body.resume());
  body.on('end', () => through.end());
  body.on('error', (error) => {
    failure = error;
    through.end();
  });
  yield* through as AsyncIterable<Uint8Array>;
  if (failure !== undefined) throw failure;
}
