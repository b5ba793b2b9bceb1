import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { embedJson, embedScript, escapeHtml } from './html';

/** Where the styles and scripts of reports are. */
const directory = join(__dirname, '..', '..', 'assets', 'report');

/** What a page consists of besides its text and data. */
export interface Assets {
  readonly style: string;
  readonly scripts: readonly string[];
}

type Charts = 'charts.js' | 'training-charts.js' | 'selection-charts.js';

/** Reads the assets of a page. @param charts the script that draws its charts */
export async function readAssets(charts: Charts): Promise<Assets> {
  const library = join(dirname(require.resolve('chart.js')), 'chart.umd.min.js');
  const files = [library, join(directory, 'drawing.js'), join(directory, charts)];
  const [style, ...scripts] = await Promise.all(
    [join(directory, 'style.css'), ...files].map((file) => readFile(file, 'utf8')),
  );
  return { style: style!, scripts };
}

/** A report as one HTML file, which needs no network. @param body HTML */
export function htmlDocument({
  title,
  body,
  data,
  assets: { style, scripts },
}: {
  readonly title: string;
  readonly body: string;
  readonly data: object;
  readonly assets: Assets;
}): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>
${style}
</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
<script type="application/json" id="data">${embedJson(data)}</script>
${scripts.map((script) => `<script>${embedScript(script)}</script>`).join('\n')}
</body>
</html>
`;
}

/** A text of a table, which may be a link to a part of the page. */
export type Cell = string | { readonly text: string; readonly id: string };

/** A table of texts. */
export function htmlTable(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const toHtml = (cell: Cell) =>
    typeof cell === 'string'
      ? escapeHtml(cell)
      : `<a href="#${escapeHtml(cell.id)}">${escapeHtml(cell.text)}</a>`;
  const row = (cells: readonly Cell[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${toHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table>
<thead>${row(titles, 'th')}</thead>
<tbody>${rows.map((cells) => row(cells, 'td')).join('\n')}</tbody>
</table></div>`;
}

/** The place of a chart. @param height in pixels; that of the style by default */
export function figure(id: string, label: string, height?: number): string {
  const style = height === undefined ? '' : ` style="height: ${height}px"`;
  return `<figure><div class="chart"${style}><canvas id="${id}" role="img" aria-label="${label}"></canvas></div></figure>`;
}
