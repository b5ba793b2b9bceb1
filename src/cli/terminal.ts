import { styleText } from 'node:util';

/** A column of a table; `right` aligns it to the right, as for numbers. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Prints a result to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints anything other than results to standard error. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints a value as JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** The properties of a `SemisupError` that are printed. */
interface PrintableError {
  readonly code: string;
  readonly message: string;
}

/** Formats an error for standard error. */
export function describeError({ code, message }: PrintableError): string {
  return `semisup: ${message} (${code})`;
}

/** Converts an error for JSON output. */
export function errorAsJson({ code, message }: PrintableError): PrintableError {
  return { code, message };
}

/**
 * Exits when output cannot be written: silently if the reader has closed the pipe, as `head` does,
 * otherwise with an error.
 */
export function endWithOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      note(`semisup: Output could not be written: ${error.message}.`);
      process.exit(1);
    });
  }
}

/** Prints warnings as plain text, without Node's process id and code. */
export function printWarningsPlainly(): void {
  process.removeAllListeners('warning').on('warning', ({ message }) => {
    note(message);
  });
}

/** Bold text, if standard output supports it. */
export function bold(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

/** Dimmed text, if standard output supports it. */
export function dim(text: string): string {
  return styleText('dim', text, { stream: process.stdout });
}

/** Formats rows as aligned columns below their titles. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]!.length)),
  );
  const align = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const titles = align(columns.map(({ title }) => title));
  return [dim(titles), ...rows.map(align)].join('\n');
}

/** Draws a bar for a value from 0 to 1, with a resolution of one eighth of a character. */
export function bar(value: number, width: number): string {
  const eighths = Math.round(Math.min(Math.max(value, 0), 1) * width * 8);
  const remainder = eighths % 8;
  return '█'.repeat(Math.floor(eighths / 8)) + (remainder ? '▏▎▍▌▋▊▉'[remainder - 1]! : '');
}

/** Formats bytes in megabytes, e.g. `97.8 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
