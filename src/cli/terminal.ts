import { styleText } from 'node:util';
import { SingleBar } from 'cli-progress';

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

/** How far a piece of work has come. */
export interface Step {
  readonly received: number;
  readonly total?: number;
}

/**
 * A progress bar per piece of work, on standard error; none where that is no terminal. `stop` takes
 * the last one off the screen.
 */
export class Progress {
  #bar: SingleBar | undefined;
  #label: string | undefined;

  /** Shows the bar of `label`, made when that differs from the last one. */
  show(label: string, { received, total }: Step): void {
    if (!process.stderr.isTTY || !total) return;
    if (this.#label !== label) {
      this.stop();
      this.#label = label;
      this.#bar = new SingleBar({
        format: `${label} {bar} {percentage}% of ${megabytes(total)}`,
        barsize: 30,
        clearOnComplete: true,
        stream: process.stderr,
        hideCursor: true,
      });
      this.#bar.start(total, 0);
    }
    this.#bar!.update(received);
  }

  /** Takes the bar off the screen. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#label = undefined;
  }
}
