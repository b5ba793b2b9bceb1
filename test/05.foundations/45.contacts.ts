import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../support/run-node';

/** The TypeScript files of `src/`, by their paths in it. */
async function sources(): Promise<Map<string, string>> {
  const directory = join(root, 'src');
  const names = (await readdir(directory, { recursive: true })).filter((name) =>
    name.endsWith('.ts'),
  );
  return new Map(
    await Promise.all(
      names.map(
        async (name) =>
          [name.replaceAll('\\', '/'), await readFile(join(directory, name), 'utf8')] as const,
      ),
    ),
  );
}

/** The texts of all string and template literals. */
function literals(path: string, text: string): string[] {
  if (!text.includes('://')) return [];
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
}

/** The functions of `node:fs` that create, write, move or link files or directories. */
const writers =
  /^(writeFile|appendFile|mkdir|mkdtemp|rename|copyFile|cp|symlink|link|createWriteStream|truncate|utimes)(Sync)?$/;

/** Whether a file calls one of them, or opens a file for writing. */
function writesFiles(path: string, text: string): boolean {
  if (!/from 'node:fs(\/promises)?'/.test(text)) return false;
  let writes = false;
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const callee = node.expression;
      const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText(file);
      const [, mode] = node.arguments;
      const opensForWriting =
        name === 'open' && mode !== undefined && /['"][^'"]*[wa+]/.test(mode.getText(file));
      if (writers.test(name) || opensForWriting) writes = true;
    }
    // As in promisify(fs.writeFile).
    if (ts.isPropertyAccessExpression(node) && node.getText(file) === `fs.${node.name.text}`) {
      writes ||= writers.test(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  visit(file);
  return writes;
}

/** The cells of a column of the table below a heading of docs/security.md. */
async function column(heading: string, index: number): Promise<string[]> {
  const page = await readFile(join(root, 'docs', 'security.md'), 'utf8');
  const section = page.split(`## ${heading}\n`)[1]!.split('\n## ')[0]!;
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((row) => row.split('|')[index + 1]!.trim());
}

describe('docs/security.md', () => {
  /** Hosts of links in messages and model cards, and of the name of SVG's namespace, which nothing requests. */
  const onlyMentioned = [
    'arxiv.org',
    'creativecommons.org',
    'git-lfs.github.com',
    'host',
    'opensource.org',
    'www.w3.org',
  ];

  it('lists every host that is contacted', async () => {
    const hosts = new Set<string>();
    for (const [path, text] of await sources()) {
      for (const literal of literals(path, text)) {
        for (const [, host] of literal.matchAll(/https?:\/\/([\w.-]+)/g)) hosts.add(host!);
      }
    }
    const documented = (await column('What is contacted', 0)).flatMap(
      (cell) => cell.match(/[\w-]+(\.[\w-]+)+/g) ?? [],
    );
    assert.deepEqual([...hosts].sort(), [...documented, ...onlyMentioned].sort());
  });

  it('lists every file that writes files', async () => {
    const writing = [...(await sources())]
      .filter(([path, text]) => writesFiles(path, text))
      .map(([path]) => path);
    const documented = (await column('What is written', 1)).flatMap(
      (cell) => cell.match(/[\w/-]+\.ts/g) ?? [],
    );
    assert.deepEqual(writing.sort(), documented.sort());
  });
});
