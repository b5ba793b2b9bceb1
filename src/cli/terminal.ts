import { styleText } from 'node:util';

/** A column of a table: its title and, for figures, alignment to the right. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Prints to standard output, where results go. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints to standard error, where everything goes that is no result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints a value as JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** What is told of a `SemisupError`. */
interface Told {
  readonly code: string;
  readonly message: string;
}

/** An error as standard error tells it. */
export function describeError({ code, message }: Told): string {
  return `semisup: ${message} (${code})`;
}

/** An error as JSON tells it. */
export function errorAsJson({ code, message }: Told): Told {
  return { code, message };
}

/**
 * Ends the process when what it prints cannot be written: quietly where nobody reads on, as `head`
 * when it has enough.
 */
export function endWithOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      note(`semisup: What is printed cannot be written: ${error.message}.`);
      process.exit(1);
    });
  }
}

/** Prints warnings as plain text: Node's own form of them is for programmers. */
export function printWarningsPlainly(): void {
  process.removeAllListeners('warning').on('warning', ({ message }) => {
    note(message);
  });
}

/** Text in bold, where standard output is a terminal that shows it. */
export function bold(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

/** Text in the background, where standard output is a terminal that shows it. */
export function dim(text: string): string {
  return styleText('dim', text, { stream: process.stdout });
}

/** Lines of aligned columns, under a line of titles. */
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

/** A bar from 0 to 1 in eighths of a character. */
export function bar(value: number, width: number): string {
  const eighths = Math.round(Math.min(Math.max(value, 0), 1) * width * 8);
  const rest = eighths % 8;
  return '█'.repeat(Math.floor(eighths / 8)) + (rest ? '▏▎▍▌▋▊▉'[rest - 1]! : '');
}

/** Bytes as people read them, e.g. `97.8 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
