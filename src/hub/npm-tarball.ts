import type { Options } from 'pacote';
import { DownloadError } from '../errors';
import { errorReason } from '../net/error-reason';
import { defaultRetryPolicy, retry, RetryableError } from '../net/retry';
import type { FetchOptions } from './fetch-options';
import type { NpmSettings } from './npm-settings';

declare module 'pacote' {
  /** Knows where a tarball lies; missing in the published types. */
  class RemoteFetcher {
    constructor(url: string, options: Options);
    readonly resolved: string;
  }
}

/** Asks the npm registry where the tarball of `spec`, a name with an exact version, lies. */
export async function npmTarball(
  spec: string,
  settings: NpmSettings,
  { signal, retryPolicy = defaultRetryPolicy }: FetchOptions,
): Promise<string> {
  const { default: pacote } = await import('pacote');
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
  // A mirror may pass on the default registry's own addresses: npm then asks the mirror, and so does this.
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
        'Check the network, the proxy (HTTPS_PROXY), and the registry that `npm config get registry` names.',
      value: spec,
      cause,
    },
  );
  const isTransient = !responded || status === 408 || status === 429 || status >= 500;
  return isTransient ? new RetryableError(error, { responded }) : error;
}
