import { DownloadError } from '../errors';
import { header, type HttpHeaders } from '../net/headers';
import { HttpClient, statusError } from '../net/http';
import { defaultRetryPolicy, retry } from '../net/retry';
import { environment } from './environment';
import type { FetchOptions } from './fetch-options';

/** A file on the Hugging Face hub, with the hash and size that the server reports. */
export interface LinkedFile {
  readonly url: string;
  readonly sha256: string;
  /** In bytes. */
  readonly size: number | undefined;
}

/**
 * Queries the Hugging Face hub (or the mirror of `HF_ENDPOINT`, as its own libraries do) for the
 * SHA-256 of `model.safetensors` in `repo`, which it reports as `X-Linked-Etag` (mirrors as `ETag`). No
 * hash is pinned, so verification detects corruption in transit but not a change at the source.
 */
export async function linkedFile(repo: string, options: FetchOptions): Promise<LinkedFile> {
  const { signal, retryPolicy = defaultRetryPolicy } = options;
  const host = (environment('HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, '');
  const url = `${host}/${repo}/resolve/main/model.safetensors`;
  const http = HttpClient.open(retryPolicy.idleTimeout);
  try {
    const headerChain = await retry(() => head(http, url, signal), retryPolicy, signal);
    const linked = headerChain.find((headers) => header(headers, 'x-linked-etag') !== undefined);
    const sha256 = sha256Of(header(linked ?? headerChain[0]!, linked ? 'x-linked-etag' : 'etag'));
    if (sha256 === undefined) throw unverifiedError(url);
    const size = linked && header(linked, 'x-linked-size');
    return { url, sha256, size: size === undefined ? undefined : Number(size) };
  } finally {
    await http.close();
  }
}

async function head(
  http: HttpClient,
  url: string,
  signal?: AbortSignal,
): Promise<readonly HttpHeaders[]> {
  const response = await http.send(url, { method: 'HEAD', signal });
  if (response.status !== 200) throw statusError(response);
  return response.headerChain;
}

function sha256Of(etag: string | undefined): string | undefined {
  return /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(etag ?? '')?.[1];
}

function unverifiedError(url: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_HASH', {
    what: `${url} could not be verified: the response has no SHA-256 (X-Linked-Etag).`,
    remedy: 'Download from another server.',
    value: url,
  });
}
