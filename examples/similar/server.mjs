// A web page that shows the photos of a directory, and those that are most similar to one of them or to an upload.
// Index the directory first:
//   npx semisup index photos --model resnet50_swsl
//   node node_modules/semisup/examples/similar/server.mjs photos
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hub, ImageIndex, SemisupError } from 'semisup';

const maxUpload = 32 << 20;
const directory = process.argv[2] ?? '.';
const path = resolve(directory, '.semisup-index');
const index = await ImageIndex.open(path);
// Of weights of your own, the index stores the hash after the name.
const [name] = (index.model ?? 'resnet50_swsl').split('@');
const model = await hub.load(name, { weights: process.env.WEIGHTS });
const page = await readFile(join(dirname(fileURLToPath(import.meta.url)), 'index.html'));

const routes = {
  'GET /': () => ({ type: 'text/html; charset=utf-8', body: page }),
  'GET /photos': () => json({ size: index.size, photos: index.ids().slice(0, 120) }),
  // Only files of the index: an id with `..` is none of them.
  'GET /photo': async ({ id }) => {
    if (!index.has(id)) return undefined;
    const type = `image/${extname(id).slice(1).toLowerCase().replace('jpg', 'jpeg')}`;
    return { type, body: await readFile(resolve(dirname(path), id)) };
  },
  'GET /similar': async ({ id }) => {
    const query = await index.embedding(id);
    if (!query) return undefined;
    const found = await index.search(query, { topk: 25 });
    return json(found.filter((neighbor) => neighbor.id !== id).slice(0, 24));
  },
  'POST /similar': async (_, body) =>
    json(await index.search(await model.embed(body), { topk: 24 })),
};

function json(value) {
  return { type: 'application/json', body: JSON.stringify(value) };
}

async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > maxUpload) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function respond(request) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const route = routes[`${request.method} ${pathname}`];
  const body = await readBody(request);
  if (!body) return { status: 413, type: 'text/plain', body: 'The image is too large.' };
  const response = await route?.({ id: searchParams.get('id') ?? '' }, body);
  return response ?? { status: 404, type: 'text/plain', body: 'Not found.' };
}

const server = createServer(async (request, response) => {
  try {
    const { status = 200, type, body } = await respond(request);
    response.writeHead(status, { 'content-type': type }).end(body);
  } catch (error) {
    // E.g. an upload that is not an image.
    const status = error instanceof SemisupError ? 400 : 500;
    response.writeHead(status, { 'content-type': 'text/plain' }).end(error.message);
  }
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
