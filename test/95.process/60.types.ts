import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../support/run-node';

/** A program that uses the installed package. */
const consumer = `
  import { Classifier, hub, ModelError, ScriptModule, Tensor, type Prediction } from 'semisup';

  export async function program(bytes: Uint8Array): Promise<string[]> {
    await using model: Classifier = await hub.load('resnet50_swsl', { device: 'cpu', threads: 1 });
    const one: Prediction[] = await model.classify('a.jpg', { topk: 3 });
    const many: Prediction[][] = await model.classify(['a.jpg', bytes]);
    const vector: Float32Array = await model.embed(new URL('file:///a.jpg'));
    using input: Tensor<'float32'> = Tensor.from(vector, [1, vector.length]);
    await using net = await ScriptModule.load(bytes, { dtype: 'bfloat16' });
    const [sum] = await net.call<readonly [Tensor]>('method', input, { kwargs: { scale: 2 } });
    const error = new ModelError('ERR_SEMISUP_MODEL_UNKNOWN', { what: '', remedy: '' });
    return [...one, ...many.flat()].map(({ label }) => label + error.code + sum.device);
  }
`;

/** What the types of Electron add to those of Node, as far as the examples use it. */
const electron =
  'declare namespace NodeJS { interface Process { readonly resourcesPath: string } }';

describe('the type declarations', function () {
  this.timeout(120_000);
  let directory: string;
  let program: ts.Program;
  const installed = () => join(directory, 'node_modules', 'semisup');

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    await mkdir(installed(), { recursive: true });
    await cp(join(root, 'package.json'), join(installed(), 'package.json'));
    emitDeclarations(join(installed(), 'lib'));
    for (const name of ['@types', 'undici-types']) {
      await symlink(
        join(root, 'node_modules', name),
        join(directory, 'node_modules', name),
        'junction',
      );
    }
    const sources = {
      'consumer.mts': consumer,
      'consumer.cts': consumer,
      'electron.d.ts': electron,
      ...(await examples()),
    };
    const files = Object.keys(sources).map((name) => join(directory, name));
    for (const [name, text] of Object.entries(sources))
      await writeFile(join(directory, name), text);
    program = ts.createProgram(files, {
      noEmit: true,
      strict: true,
      skipLibCheck: false,
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
      // As by default in TypeScript 6: the declarations themselves refer to those of Node.
      types: [],
      typeRoots: [join(directory, 'node_modules', '@types')],
    });
  });

  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('compile in a strict program, as an ES module and as CommonJS, and with the examples of the docs', () => {
    assert.deepEqual(ts.getPreEmitDiagnostics(program).map(describeDiagnostic), []);
  });

  it('are used by complete examples in README.md', async () => {
    const blocks = codeBlocks(await readFile(join(root, 'README.md'), 'utf8'));
    assert.ok(blocks.length > 1);
    for (const block of blocks) assert.match(block, /^import .* from 'semisup';/);
  });

  it('refer only to exported types', () => {
    const index = program.getSourceFile(join(installed(), 'lib', 'index.d.ts'))!;
    assert.deepEqual(unexportedNames(program.getTypeChecker(), index, installed()), []);
  });
});

/** The examples of README.md and docs/ that import the package, as ES modules by file name. */
async function examples(): Promise<Record<string, string>> {
  const docs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  const files: Record<string, string> = {};
  for (const path of ['README.md', ...docs.map((name) => join('docs', name))]) {
    for (const [i, block] of codeBlocks(await readFile(join(root, path), 'utf8')).entries()) {
      if (block.startsWith('import ')) files[`${path.replaceAll(/\W/g, '-')}-${i}.mts`] = block;
    }
  }
  return files;
}

function codeBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, block]) => block!);
}

function emitDeclarations(outDir: string): void {
  const path = join(root, 'tsconfig.build.json');
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => assert.fail(path) };
  const { fileNames, options } = ts.getParsedCommandLineOfConfigFile(path, { outDir }, host)!;
  ts.createProgram(fileNames, { ...options, emitDeclarationOnly: true }).emit();
}

function describeDiagnostic({ file, messageText }: ts.Diagnostic): string {
  return `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}

/** The types declared in `directory` that the exports of `index` refer to and that `index` does not export. */
function unexportedNames(
  checker: ts.TypeChecker,
  index: ts.SourceFile,
  directory: string,
): string[] {
  const resolve = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const isInDirectory = (node: ts.Node) => node.getSourceFile().fileName.startsWith(directory);
  const exported = new Set(
    checker.getExportsOfModule(checker.getSymbolAtLocation(index)!).map(resolve),
  );
  const missing = new Set<string>();

  function visit(node: ts.Node): void {
    const name = referencedName(node);
    const symbol = name && checker.getSymbolAtLocation(name);
    if (symbol) {
      const referenced = resolve(symbol);
      const isParameter = referenced.flags & ts.SymbolFlags.TypeParameter;
      // `typeof f` requires the types of the parameters and the result of f, a base class those of its members.
      if (!ts.isTypeReferenceNode(node))
        referenced.declarations?.filter(isInDirectory).forEach(visit);
      else if (
        !isParameter &&
        !exported.has(referenced) &&
        referenced.declarations?.some(isInDirectory)
      ) {
        missing.add(referenced.name);
      }
    }
    ts.forEachChild(node, visit);
  }
  for (const { declarations = [] } of exported) declarations.forEach(visit);
  return [...missing].sort();
}

function referencedName(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  if (ts.isTypeQueryNode(node)) return node.exprName;
  if (ts.isExpressionWithTypeArguments(node)) return node.expression;
  return undefined;
}
