/** The headers of an answer, by lower-case name. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** A header's value; the first one, should it occur more than once. */
export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** What tells two bodies of one URL apart byte for byte (RFC 9110, 8.8): weak ETags do not. */
export function strongValidator(headers: Headers): string | undefined {
  const etag = header(headers, 'etag');
  return etag !== undefined && !etag.startsWith('W/') ? etag : header(headers, 'last-modified');
}

/** Length of the body in bytes, where the host tells. */
export function contentLength(headers: Headers): number | undefined {
  const text = header(headers, 'content-length');
  return text === undefined ? undefined : Number(text);
}

/** The first byte of a part, and the length of the whole. */
export function contentRange(headers: Headers): { start: number; total: number } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(header(headers, 'content-range') ?? '');
  return match ? { start: Number(match[1]), total: Number(match[2]) } : undefined;
}

/** Milliseconds that `Retry-After` asks to wait, given as seconds or as a date; else 0. */
export function retryAfter(headers: Headers): number {
  const value = header(headers, 'retry-after');
  if (value === undefined) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.max(wait, 0);
}
