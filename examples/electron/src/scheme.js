import { net, protocol } from 'electron';
import { join, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @import { PhotoLibrary } from './photo-library.js' */

const root = join(import.meta.dirname, 'renderer') + sep;

const contentSecurityPolicy = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self' app://photos`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

/** Unlike file URLs, a scheme of our own gives the page an origin. Call this before the app is ready. */
export function registerScheme() {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true } },
  ]);
}

/**
 * Serves app://ui/… from renderer/, and app://photos/<id>.
 *
 * @param {PhotoLibrary} photos
 */
export function serve(photos) {
  protocol.handle('app', async ({ url }) => {
    const { host, pathname } = new URL(url);
    try {
      if (host === 'photos') return await read(photos.source(pathname.slice(1)));
      const file = normalize(join(root, decodeURIComponent(pathname)));
      if (host === 'ui' && file.startsWith(root)) {
        const { body, headers } = await net.fetch(pathToFileURL(file).href);
        headers.set('content-security-policy', contentSecurityPolicy);
        return new Response(body, { headers });
      }
    } catch {
      // The file is gone or unreadable.
    }
    return new Response('Not found', { status: 404 });
  });
}

/** @param {import('./types.js').PhotoSource} source */
async function read(source) {
  if (typeof source === 'string') return await net.fetch(pathToFileURL(source).href);
  return new Response(/** @type {Uint8Array<ArrayBuffer>} */ (source));
}
