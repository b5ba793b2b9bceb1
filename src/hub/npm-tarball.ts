import type { Options } from 'pacote';
import { DownloadError } from '../errors';
import { errorReason } from '../net/error-reason';
import { defaultRetryPolicy, retry, RetryableError } from '../net/retry';
import type { FetchOptions } from './fetch-options';
import type { NpmSettings } from './npm-settings';

declare module 'pacote' {
  /** Resolves the URL of a tarball; missing in the published types. */
  class RemoteFetcher {
    constructor(url: string, options: Options);
    readonly resolved: string;
  }
}

/** Resolves the tarball URL of `spec`, a package name with an exact version, at the npm registry. */
export async function npmTarball(
  spec: string,
  settings: NpmSettings,
  { signal, retryPolicy = defaultRetryPolicy }: FetchOptions,
): Promise<string> {
  const pacote = require('pacote') as typeof import('pacote');
  const { registry, ca, httpProxy, httpsProxy, noProxy } = settings;
  const options = {
    registry,
    ca,
    proxy: httpProxy,
    httpsProxy,
    noProxy,
    signal,
    timeout: retryPolicy.idleTimeout,
    fetchRetries: 0,
  };
  const resolve = async () => {
    try {
      return await pacote.resolve(spec, options);
    } catch (cause) {
      throw registryError(spec, registry, cause);
    }
  };
  const url = await retry(resolve, retryPolicy, signal);
  // A mirror may return URLs of the default registry. npm rewrites them to the mirror, as this does.
  return new pacote.RemoteFetcher(url, options).resolved;
}

function registryError(spec: string, registry: string | undefined, cause: unknown) {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const status = Number(/^E(\d{3})$/.exec(code)?.[1]);
  const responded = status > 0 || code === 'ETARGET';
  const error = new DownloadError(
    responded ? 'ERR_SEMISUP_DOWNLOAD_HTTP' : 'ERR_SEMISUP_DOWNLOAD_NETWORK',
    {
      what: `The npm registry ${registry ?? '(the default one)'} did not resolve ${spec}: ${errorReason(cause)}.`,
      remedy:
        'Check the network, the proxy (HTTPS_PROXY), and the output of `npm config get registry`.',
      value: spec,
      cause,
    },
  );
  const isTransient = !responded || status === 408 || status === 429 || status >= 500;
  return isTransient ? new RetryableError(error, { responded }) : error;
}
