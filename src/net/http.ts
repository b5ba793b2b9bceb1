import type { Readable } from 'node:stream';
import type { Dispatcher, request } from 'undici';
import { DownloadError } from '../errors';
import { retryAfter, type Headers } from './headers';
import { reason } from './reason';
import { Transient } from './retry';

/** Proxy and certificates, where they come from elsewhere than the environment. */
export interface Network {
  /** Certificate authorities (PEM) to trust instead of Node's. */
  readonly ca?: string;
  /** The proxy for http, instead of `HTTP_PROXY`. */
  readonly httpProxy?: string;
  /** The proxy for https, instead of `HTTPS_PROXY`. */
  readonly httpsProxy?: string;
  /** The hosts to reach without a proxy, instead of `NO_PROXY`. */
  readonly noProxy?: string;
}

/** What a host answered, after redirects. */
export interface Answer {
  /** Where the redirects led. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  /** The headers of the redirects on the way, first to last, then those of the answer. */
  readonly trail: readonly Headers[];
  readonly body: Readable & { dump(): Promise<unknown> };
}

/** One request. */
export interface Ask {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const MOST_REDIRECTS = 10;

/**
 * HTTP and HTTPS through the proxies that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name. Closing it
 * ends its connections, so that none keeps the process alive.
 */
export class Http {
  readonly #agent: Dispatcher;
  readonly #request: typeof request;
  readonly #idle: number;

  private constructor(agent: Dispatcher, send: typeof request, idle: number) {
    this.#agent = agent;
    this.#request = send;
    this.#idle = idle;
  }

  /** `idle`: milliseconds without an answer or a byte after which a request fails. */
  static async open(idle: number, network: Network = {}): Promise<Http> {
    const { EnvHttpProxyAgent, request } = await import('undici');
    const { ca, httpProxy, httpsProxy, noProxy } = network;
    const tls = ca === undefined ? {} : { ca };
    try {
      const agent = new EnvHttpProxyAgent({
        httpProxy,
        httpsProxy,
        noProxy,
        connect: tls,
        requestTls: tls,
        proxyTls: tls,
        // Proxies commonly allow CONNECT to port 443 only.
        proxyTunnel: false,
      });
      return new Http(agent, request, idle);
    } catch (cause) {
      throw new DownloadError('ERR_SEMISUP_DOWNLOAD_NETWORK', {
        what: `The proxy settings cannot be used: ${reason(cause)}.`,
        remedy: 'Write HTTP_PROXY and HTTPS_PROXY as http://host:port.',
        cause,
      });
    }
  }

  /**
   * Sends a request and follows redirects. Throws `Transient` with `ERR_SEMISUP_DOWNLOAD_NETWORK`
   * where no answer comes, `DownloadError` for a redirect that may not be followed.
   */
  async send(url: string, { method = 'GET', headers, signal }: Ask = {}): Promise<Answer> {
    const trail: Headers[] = [];
    let at = parse(url, ['https:', 'http:']);
    if (at === undefined) throw httpError(`${url} is no address of the web.`, url);
    while (trail.length <= MOST_REDIRECTS) {
      const response = await this.#sendOnce(at, { method, headers, signal });
      trail.push(response.headers);
      const next = redirect(response.statusCode, response.headers.location, at);
      if (next === undefined) {
        return {
          url: at.href,
          status: response.statusCode,
          headers: response.headers,
          trail,
          body: response.body,
        };
      }
      await response.body.dump();
      at = next;
    }
    throw httpError(`${url} redirects more than ${MOST_REDIRECTS} times.`, url);
  }

  async #sendOnce(at: URL, { method, headers, signal }: Ask): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#request(at, {
        dispatcher: this.#agent,
        method,
        headers,
        signal,
        headersTimeout: this.#idle,
        bodyTimeout: this.#idle,
      });
    } catch (cause) {
      throw new Transient(
        new DownloadError('ERR_SEMISUP_DOWNLOAD_NETWORK', {
          what: `${at.href} cannot be reached: ${reason(cause)}.`,
          remedy:
            'Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the certificates (NODE_EXTRA_CA_CERTS).',
          value: at.href,
          cause,
        }),
      );
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** The error for an answer that is no success; `Transient` where another try may get one. */
export function statusError({ url, status, headers }: Answer): DownloadError | Transient {
  const error = httpError(`${url} answered with status ${status}.`, url);
  const mayPass = status === 408 || status === 429 || status >= 500;
  return mayPass ? new Transient(error, { answered: true, wait: retryAfter(headers) }) : error;
}

function redirect(status: number, location: unknown, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  // From https to http would let anyone on the way answer.
  const protocols = from.protocol === 'https:' ? ['https:'] : ['https:', 'http:'];
  const to = typeof location === 'string' ? parse(location, protocols, from.href) : undefined;
  if (to !== undefined) return to;
  throw httpError(
    `${from.href} redirects to ${String(location)}, which is not allowed.`,
    from.href,
  );
}

function parse(address: string, protocols: readonly string[], base?: string): URL | undefined {
  if (!URL.canParse(address, base)) return undefined;
  const url = new URL(address, base);
  return protocols.includes(url.protocol) ? url : undefined;
}

function httpError(what: string, url: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_HTTP', {
    what,
    remedy: 'Check the address, and whether a mirror or a proxy stands between.',
    value: url,
  });
}
