import type { Readable } from 'node:stream';
import type { Dispatcher, request } from 'undici';
import { DownloadError } from '../errors';
import { abbreviate } from '../options';
import { retryAfter, type HttpHeaders } from './headers';
import { errorReason } from './error-reason';
import { RetryableError } from './retry';

/** Proxy and certificate settings that override the environment's. */
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

/** An HTTP response, after redirects. */
export interface HttpResponse {
  /** The final URL. */
  readonly url: string;
  readonly status: number;
  readonly headers: HttpHeaders;
  /** The headers of each redirect in order, then those of the response. */
  readonly headerChain: readonly HttpHeaders[];
  readonly body: Readable & { dump(): Promise<unknown> };
}

/** Options of a request. */
export interface RequestOptions {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const MAX_REDIRECTS = 10;

/**
 * An HTTP client that honors `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, unless `network` overrides them.
 * `close()` ends its connections, so that they do not keep the process alive.
 */
export class HttpClient {
  readonly #agent: Dispatcher;
  readonly #request: typeof request;
  readonly #idleTimeout: number;

  private constructor(agent: Dispatcher, send: typeof request, idleTimeout: number) {
    this.#agent = agent;
    this.#request = send;
    this.#idleTimeout = idleTimeout;
  }

  /** @param idleTimeout how long a request may go without receiving a byte before it fails, in milliseconds */
  static open(idleTimeout: number, network: Network = {}): HttpClient {
    const { EnvHttpProxyAgent, request } = require('undici') as typeof import('undici');
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
        // Many proxies allow CONNECT to port 443 only.
        proxyTunnel: false,
      });
      return new HttpClient(agent, request, idleTimeout);
    } catch (cause) {
      throw new DownloadError('ERR_SEMISUP_DOWNLOAD_NETWORK', {
        what: `The proxy settings are invalid: ${errorReason(cause)}.`,
        remedy: 'Set HTTP_PROXY and HTTPS_PROXY in the form http://host:port.',
        cause,
      });
    }
  }

  /**
   * Sends a request and follows redirects. Throws `RetryableError` with `ERR_SEMISUP_DOWNLOAD_NETWORK`
   * if there is no response, and `DownloadError` for a URL that is not http or https, a redirect that is not
   * allowed, and too many redirects.
   */
  async send(
    url: string,
    { method = 'GET', headers, signal }: RequestOptions = {},
  ): Promise<HttpResponse> {
    const headerChain: HttpHeaders[] = [];
    let target = parse(url, ['https:', 'http:']);
    if (target === undefined) throw httpError(`${url} is not an http or https URL.`, url);
    while (headerChain.length <= MAX_REDIRECTS) {
      const response = await this.#sendOnce(target, { method, headers, signal });
      headerChain.push(response.headers);
      const next = redirectTarget(response.statusCode, response.headers.location, target);
      if (next === undefined) {
        return {
          url: target.href,
          status: response.statusCode,
          headers: response.headers,
          headerChain,
          body: response.body,
        };
      }
      await response.body.dump();
      target = next;
    }
    throw httpError(`${url} redirects more than ${MAX_REDIRECTS} times.`, url);
  }

  async #sendOnce(
    target: URL,
    { method, headers, signal }: RequestOptions,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#request(target, {
        dispatcher: this.#agent,
        method,
        headers,
        signal,
        headersTimeout: this.#idleTimeout,
        bodyTimeout: this.#idleTimeout,
      });
    } catch (cause) {
      throw new RetryableError(
        new DownloadError('ERR_SEMISUP_DOWNLOAD_NETWORK', {
          what: `${target.href} could not be reached: ${errorReason(cause)}.`,
          remedy:
            'Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the certificates (NODE_EXTRA_CA_CERTS).',
          value: target.href,
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

/** The error for a response with an error status; a `RetryableError` if the status is transient. */
export function statusError({
  url,
  status,
  headers,
}: HttpResponse): DownloadError | RetryableError {
  const error = httpError(`${url} responded with status ${status}.`, url);
  const isTransient = status === 408 || status === 429 || status >= 500;
  return isTransient
    ? new RetryableError(error, { responded: true, delay: retryAfter(headers) })
    : error;
}

/** The URL to follow, or undefined if the response is no redirect. @throws DownloadError if it is not allowed */
export function redirectTarget(status: number, location: unknown, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  if (typeof location !== 'string') {
    const headers = location === undefined ? 'without a Location header' : 'to several locations';
    throw httpError(`${from.href} redirects ${headers}.`, from.href);
  }
  const to = parse(location, ['https:', 'http:'], from.href);
  const redirects = `${from.href} redirects to ${abbreviate(location)}`;
  if (to === undefined) {
    throw httpError(`${redirects}, which is not an http or https URL.`, from.href);
  }
  // It would let anyone on the network path forge the response.
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw httpError(`${redirects}: redirects from https to http are not followed.`, from.href);
  }
  return to;
}

function parse(text: string, protocols: readonly string[], base?: string): URL | undefined {
  if (!URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  return protocols.includes(url.protocol) ? url : undefined;
}

function httpError(what: string, url: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_HTTP', {
    what,
    remedy: 'Check the URL, and any mirror or proxy in use.',
    value: url,
  });
}
