// A server that says what pictures show, and changes its model while it does.
//   node examples/swap-server.mjs resnet50_swsl 8080
//   curl --data-binary @photo.jpg http://127.0.0.1:8080/classify
//   curl --json '{"source": "resnet18_swsl"}' http://127.0.0.1:8080/model
// Whoever may ask for /model names the file that is opened: keep it among those you trust.
import { createServer } from 'node:http';
import { ImageError, ModelSlot, OptionError, SwapError } from 'semisup';

const [source = 'resnet50_swsl', port = '8080'] = process.argv.slice(2);
const slot = await ModelSlot.open(source);
slot.on('swap', ({ version, source, elapsed }) => {
  console.log(`version ${version} serves: ${source}, after ${elapsed.toFixed(0)} ms`);
});

const routes = {
  'POST /classify': async (request, signal) => {
    const image = await read(request, 20e6);
    const { version, predictions } = await slot.classifyDetailed(image, { signal });
    return { version, predictions };
  },
  'POST /model': async (request) => {
    // A page of another site cannot send this type without being asked first.
    const { 'content-type': type } = request.headers;
    if (type !== 'application/json') throw new Refusal(415, 'Send application/json.');
    const { version, source } = await slot.swap(parse(await read(request, 10e3)).source);
    return { version, source };
  },
};

const server = createServer(async (request, response) => {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const [status, body] = await answer(request, gone.signal);
  // While the server drains no connection is kept.
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

async function answer(request, signal) {
  try {
    const route = routes[`${request.method} ${request.url}`];
    if (!route) throw new Refusal(404, `There is only ${Object.keys(routes).join(' and ')}.`);
    return [200, await route(request, signal)];
  } catch (error) {
    const { code, message, cause } = error;
    if (error instanceof Refusal) return [error.status, { error: { message } }];
    // Of a swap that fails the code tells the stage, and the cause what was wrong.
    const known = [ImageError, OptionError, SwapError].some((kind) => error instanceof kind);
    if (known) return [422, { error: { code, message, cause: cause?.code } }];
    if (!signal.aborted) console.error(error);
    return [500, { error: { message: 'The server has failed.' } }];
  }
}

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** A body that is too large is read to its end, or the client would not hear why it is refused. */
async function read(request, limit) {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length <= limit) pieces.push(piece);
  }
  if (length > limit) throw new Refusal(413, `A body may have ${limit} bytes.`);
  return Buffer.concat(pieces);
}

function parse(json) {
  try {
    return JSON.parse(json) ?? {};
  } catch {
    throw new Refusal(400, 'That is no JSON.');
  }
}
