// A server that classifies images and can swap its model while it handles requests.
//   node examples/swap-server.mjs resnet50_swsl 8080
//   curl --data-binary @photo.jpg http://127.0.0.1:8080/classify
//   curl --json '{"source": "resnet18_swsl"}' http://127.0.0.1:8080/model
// A client of /model chooses which file is opened: expose it to trusted clients only.
import { createServer } from 'node:http';
import { ImageError, ModelSlot, OptionError, SwapError } from 'semisup';

const [source = 'resnet50_swsl', port = '8080'] = process.argv.slice(2);
const slot = await ModelSlot.open(source);
slot.on('swap', ({ version, source, elapsed }) => {
  console.log(`version ${version} is active: ${source}, after ${elapsed.toFixed(0)} ms`);
});

const routes = {
  'POST /classify': async (request, signal) => {
    const image = await read(request, 20e6);
    const { version, predictions } = await slot.classifyDetailed(image, { signal });
    return { version, predictions };
  },
  'POST /model': async (request) => {
    // Browsers require a CORS preflight for this type, which stops cross-site requests.
    const { 'content-type': type } = request.headers;
    if (type !== 'application/json')
      throw new HttpError(415, 'Expected the content type application/json.');
    const { version, source } = await slot.swap(parse(await read(request, 10e3)).source);
    return { version, source };
  },
};

const server = createServer(async (request, response) => {
  const disconnected = new AbortController();
  response.on('close', () => disconnected.abort());
  const [status, body] = await handle(request, disconnected.signal);
  // Keep-alive connections would delay the end of the drain.
  if (!server.listening) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => server.close(() => slot.close()));
}

async function handle(request, signal) {
  try {
    const route = routes[`${request.method} ${request.url}`];
    if (!route) throw new HttpError(404, `Expected ${Object.keys(routes).join(' or ')}.`);
    return [200, await route(request, signal)];
  } catch (error) {
    const { code, message, cause } = error;
    if (error instanceof HttpError) return [error.status, { error: { message } }];
    // The code of a failed swap identifies the stage, and its cause the error.
    const isClientError = [ImageError, OptionError, SwapError].some(
      (kind) => error instanceof kind,
    );
    if (isClientError) return [422, { error: { code, message, cause: cause?.code } }];
    if (!signal.aborted) console.error(error);
    return [500, { error: { message: 'Internal server error.' } }];
  }
}

class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Reads an oversized body to its end, because the client would otherwise not receive the response. */
async function read(request, limit) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
  }
  if (length > limit) throw new HttpError(413, `Expected a body of at most ${limit} bytes.`);
  return Buffer.concat(chunks);
}

function parse(json) {
  try {
    return JSON.parse(json) ?? {};
  } catch {
    throw new HttpError(400, 'Expected JSON.');
  }
}
