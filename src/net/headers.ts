/** The headers of a response, by lower-case name. */
export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A header's value; the first one if it occurs more than once. */
export function header(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The strong validator of a response (RFC 9110, section 8.8); a weak ETag is not one. */
export function strongValidator(headers: HttpHeaders): string | undefined {
  const etag = header(headers, 'etag');
  return etag !== undefined && !etag.startsWith('W/') ? etag : header(headers, 'last-modified');
}

/** Length of the body in bytes, if the server reports it. */
export function contentLength(headers: HttpHeaders): number | undefined {
  const text = header(headers, 'content-length');
  return text === undefined ? undefined : Number(text);
}

/** The first byte of a partial response, and the length of the whole file in bytes. */
export function contentRange(headers: HttpHeaders): { start: number; total: number } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(header(headers, 'content-range') ?? '');
  return match ? { start: Number(match[1]), total: Number(match[2]) } : undefined;
}

/** The delay of `Retry-After` (seconds or a date) in milliseconds, 0 without one. */
export function retryAfter(headers: HttpHeaders): number {
  const value = header(headers, 'retry-after');
  if (value === undefined) return 0;
  const delay = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(delay) ? 0 : Math.max(delay, 0);
}
