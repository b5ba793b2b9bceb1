import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run-node';

/** A fenced block of a Markdown page. */
export interface CodeBlock {
  /** The page, relative to the repository. */
  readonly page: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a page that state a language. */
export function codeBlocks(page: string): CodeBlock[] {
  const lines = readFileSync(join(root, page), 'utf8').split('\n');
  const blocks: CodeBlock[] = [];
  let start: number | undefined;
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith('```')) continue;
    if (start === undefined) {
      start = i;
      continue;
    }
    const language = lines[start]!.slice(3).trim();
    const code = lines.slice(start + 1, i).join('\n');
    if (language !== '') blocks.push({ page, line: start + 2, language, code });
    start = undefined;
  }
  return blocks;
}

/**
 * A program that runs a block of JavaScript as a reader would, in a directory with the files of
 * `documentedFiles`. The models that it names are replaced by a ResNet-18 with generated weights, because the
 * real ones cannot be downloaded by every machine, and options for a GPU are dropped if there is none.
 */
export function javaScriptProgram({ code }: CodeBlock, weights: string): string {
  const imports = /^import \{([^}]*)\} from 'semisup';.*$/gm;
  const nodeImports = /^import .* from 'node:.*$/gm;
  const names = [...code.matchAll(imports)].flatMap(([, list]) => list!.split(','));
  return `
    import { createRequire } from 'node:module';
    import * as threads from 'node:worker_threads';
    ${(code.match(nodeImports) ?? []).join('\n')}
    const semisup = createRequire(${JSON.stringify(join(root, 'package.json'))})(${JSON.stringify(root)});
    for (const name of ${JSON.stringify(names.map((name) => name.trim()).filter(Boolean))}) {
      if (!(name in semisup)) throw new Error('semisup does not export ' + name);
    }
    const { Classifier, ImageIndex, ScriptModule, Tensor } = semisup;
    const { accuracyOn, devices, evaluate, openDataset, renderOverlay } = semisup;
    const { scorePool, selectImages, writeSelectionReport } = semisup;
    const weights = ${JSON.stringify(weights)};
    const hasGpu = (await devices()).length > 1;
    const adapt = ({ device, precision, ...options } = {}) => ({
      ...options,
      ...(device === 'cuda' && !hasGpu ? {} : { device, precision }),
      weights: options.weights ?? weights,
    });
    const hub = Object.assign(Object.create(semisup.hub), semisup.hub, {
      load: (name, options) => (semisup.hub.info(name), semisup.hub.load('resnet18_swsl', adapt(options))),
      download: async (name) => (semisup.hub.info(name), weights),
      exportTorchScript: (name, path, options) =>
        semisup.hub.exportTorchScript('resnet18_swsl', path, { ...options, weights }),
    });
    const teach = (dataset, options) =>
      semisup.teach(dataset, { ...options, model: 'resnet18_swsl', weights, plan: 'untuned' });
    const finetune = (dataset, options) =>
      semisup.finetune(dataset, { ...options, ...smaller(options), size: 32 });
    const pretrain = (selection, options) =>
      semisup.pretrain(selection, { ...options, ...smaller(options), size: 32 });
    // A model that the block has trained is used as it is.
    const smaller = ({ model }) => (model.endsWith('.pt') ? {} : { model: 'resnet18_swsl', weights });
    const ModelSlot = {
      open: (source, options) =>
        semisup.ModelSlot.open(source.endsWith('.pt') ? source : source + '.pt', options),
    };
    // LibTorch is installed and loaded, so that another one is neither downloaded nor used.
    const libtorch = { ...semisup.libtorch, install: semisup.libtorch.find, use: () => undefined };
    process.resourcesPath = process.cwd();
    // What the prose around the blocks describes.
    const [images, paths] = [['a.jpg'], ['a.jpg', 'b.png']];
    const { signal } = new AbortController();
    const log = console.log;
    const tensor = Tensor.from(new Float32Array(3 * 224 * 224), [1, 3, 224, 224]);
    const model = await hub.load('resnet50_swsl');
    const slot = await ModelSlot.open('resnet50_swsl');
    await (async () => {
      ${code.replaceAll(imports, '').replaceAll(nodeImports, '')}
    })();
    // A worker runs until the main thread terminates it.
    if (threads.isMainThread) process.exit();
  `;
}
