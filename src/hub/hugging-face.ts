import { DownloadError } from '../errors';
import { header, type Headers } from '../net/headers';
import { HttpClient, statusError } from '../net/http';
import { defaultRetryPolicy, retry } from '../net/retry';
import { environment } from './environment';
import type { FetchOptions } from './fetch-options';

/** A file on the Hugging Face hub with what its host says of it. */
export interface LinkedFile {
  readonly url: string;
  readonly sha256: string;
  /** In bytes. */
  readonly size: number | undefined;
}

/**
 * Asks the Hugging Face hub (or the mirror that `HF_ENDPOINT` names, as in its own libraries) for the
 * SHA-256 of `model.safetensors` in `repo`. No hash is known in advance: the one that the hub keeps for
 * each large file, and gives as `X-Linked-Etag` (its mirrors as `ETag`), is what the file is checked
 * against, so that damage on the way is found, and a change at the source is not.
 */
export async function linkedFile(repo: string, options: FetchOptions): Promise<LinkedFile> {
  const { signal, retryPolicy = defaultRetryPolicy } = options;
  const host = (environment('HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, '');
  const url = `${host}/${repo}/resolve/main/model.safetensors`;
  const http = await HttpClient.open(retryPolicy.idleTimeout);
  try {
    const redirectChain = await retry(() => head(http, url, signal), retryPolicy, signal);
    const linked = redirectChain.find((headers) => header(headers, 'x-linked-etag') !== undefined);
    const sha256 = sha256Of(header(linked ?? redirectChain[0]!, linked ? 'x-linked-etag' : 'etag'));
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
): Promise<readonly Headers[]> {
  const response = await http.send(url, { method: 'HEAD', signal });
  if (response.status !== 200) throw statusError(response);
  return response.redirectChain;
}

function sha256Of(etag: string | undefined): string | undefined {
  return /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(etag ?? '')?.[1];
}

function unverifiedError(url: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_HASH', {
    what: `${url} could not be verified: the response has no SHA-256 (X-Linked-Etag).`,
    remedy: 'Download from another host.',
    value: url,
  });
}
