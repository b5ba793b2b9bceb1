import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { hub } from '../../src/hub';
import { ScriptModule } from '../../src/torch';
import { codeBlocks, javaScriptProgram, type CodeBlock } from '../support/documentation';
import { writeRows } from '../support/embedding-rows';
import { generatedWeights } from '../support/generated-weights';
import { lanceModules, withLance } from '../support/lancedb';
import { pythonLacks } from '../support/python';
import { root, runCommand, runNode } from '../support/run-node';

/** A block whose example rejects on purpose, or on this data, by page and a part of its code. */
const rejections: [page: string, code: string, error: string][] = [
  // The generated weights do not recognize the dog.
  ['docs/swapping.md', 'Labrador retriever', 'ERR_SEMISUP_SWAP_CHECK'],
];

const python = process.env.SEMISUP_TEST_PYTHON ?? 'python3';

describe('the code blocks of README and docs', function () {
  this.timeout(300_000);
  const generated = generatedWeights();

  before(async () => {
    const { directory, weights } = generated;
    const clock = join(root, 'examples', 'clock.jpg');
    for (const name of ['clock', 'a', 'dog', 'daisy', 'photo']) {
      await copyFile(clock, join(directory, `${name}.jpg`));
    }
    for (const dataset of ['val', 'imagenet/val']) {
      await mkdir(join(directory, dataset, 'n04548280'), { recursive: true });
      await copyFile(clock, join(directory, dataset, 'n04548280', 'clock.jpg'));
    }
    for (const [i, background] of ['white', 'ivory', 'red', 'tomato'].entries()) {
      const path = join(directory, 'flowers', i < 2 ? 'daisy' : 'tulip', `${i}.png`);
      await mkdir(dirname(path), { recursive: true });
      await sharp({ create: { width: 64, height: 64, channels: 3, background } }).toFile(path);
      const unlabeled = join(directory, 'photos', `${i}.png`);
      await mkdir(dirname(unlabeled), { recursive: true });
      await copyFile(path, unlabeled);
    }
    // A Python block writes it, if there is Python; the format is detected from the content.
    await copyFile(weights, join(directory, 'flowers.pth'));
    await sharp(clock).toFile(join(directory, 'b.png'));
    for (const name of ['photos.npy', 'photos.jsonl', 'photos.parquet']) {
      await writeRows(join(directory, name), 10, 2048);
    }
    const modules = lanceModules();
    if (modules !== undefined) {
      const program = `
        const { writeRows } = require('./test/support/embedding-rows');
        void writeRows(process.argv.at(-1), 10, 2048);`;
      await runNode(program, [join(directory, 'photos.lance')], withLance(modules));
    }
    for (const name of ['fine-tuned.pt', 'next.pt', 'resnet50_swsl.pt']) {
      await hub.exportTorchScript('resnet18_swsl', join(directory, name), { weights });
    }
    await using scaled = await ScriptModule.create({
      type: 'Scaled',
      source: '\ndef forward(self, x, scale: float = 1.0):\n    return x * scale\n',
    });
    await scaled.save(join(directory, 'any-torchscript.pt'));
    await using insects = await ScriptModule.create({
      type: 'Insects',
      source: '\ndef forward(self, x):\n    return torch.mean(x, [2, 3])\n',
    });
    await insects.save(join(directory, 'insects.pt'));
  });

  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'bench/README.md',
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  for (const page of pages) {
    for (const block of codeBlocks(page)) {
      const { language, line } = block;
      const title = `${page}:${line}, ${language}`;
      if (language === 'js' || language === 'ts') {
        it(`runs ${title}`, async () => {
          await runJavaScript(block);
        });
      } else if (language === 'python') {
        const modules = [...block.code.matchAll(/^import (.+)$/gm)].flatMap(([, list]) =>
          list!.split(', '),
        );
        if (block.code.includes('save_file')) modules.push('safetensors');
        const needsLance = block.code.includes('.lance') && lanceModules() === undefined;
        const missing = needsLance
          ? 'SEMISUP_TEST_LANCEDB names no directory with @lancedb/lancedb'
          : pythonLacks([...modules, 'torch']);
        if (missing) it.skip(`runs ${title} (skipped: ${missing})`);
        else
          it(`runs ${title}`, () => {
            runPython(block);
          });
      } else if (language === 'sh' || language === 'dockerfile') {
        it(`names commands and scripts that exist: ${title}`, async () => {
          await checkCommands(block);
        });
      } else if (language === 'yaml') {
        it(`is in the configuration of the Electron example: ${title}`, () => {
          const file = join(root, 'examples', 'electron', 'electron-builder.yml');
          assert.ok(readFileSync(file, 'utf8').includes(block.code));
        });
      } else {
        it(`knows how to check ${title}`, () => {
          // `javascript`: configuration files of bundlers, which test/bundlers runs.
          assert.ok(['bibtex', 'json', 'text', 'javascript'].includes(language));
        });
      }
    }
  }

  async function runJavaScript(block: CodeBlock): Promise<void> {
    const { directory, weights } = generated;
    const file = join(directory, `block-${block.line}.mjs`);
    await writeFile(file, javaScriptProgram(block, weights));
    // A head for other classes causes a warning, as it should.
    const env = { ...process.env, NODE_NO_WARNINGS: '1' };
    const { status, stderr } = spawnSync(process.execPath, [file], {
      cwd: directory,
      env,
      encoding: 'utf8',
    });
    const rejection = rejections.find(
      ([page, code]) => page === block.page && block.code.includes(code),
    );
    if (rejection) assert.match(stderr, new RegExp(rejection[2]));
    else assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  }

  function runPython({ code }: CodeBlock): void {
    const program = `
import torch
images, labels = torch.zeros(2, 3, 224, 224), torch.tensor([1, 2])
loader = [(images, labels)]
module = torch.jit.load('insects.pt')
model = torch.nn.Linear(2, 2)
state = model.state_dict()
torch.save({'state_dict': state}, 'checkpoint.pth')
${code.includes('save_file') ? 'from safetensors.torch import save_file' : ''}
${code}`;
    const { status, stderr } = spawnSync(python, ['-W', 'ignore', '-c', program], {
      cwd: generated.directory,
      encoding: 'utf8',
    });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  }

  /** Runs the commands of semisup offline, as far as their usage is concerned; looks up scripts and files. */
  async function checkCommands({ code }: CodeBlock): Promise<void> {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const commands = code
      .replaceAll('\\\n', ' ')
      .replaceAll(/^RUN /gm, '') // Of a Dockerfile.
      .split(/\n|&&/)
      .map((command) =>
        command
          .replace(/ #.*|['"]/g, '')
          .trim()
          .split(/\s+/),
      )
      .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))));
    for (const [program, ...args] of commands) {
      if (program === 'npx' && args[0] === 'semisup') {
        const empty = join(generated.directory, 'empty');
        await mkdir(empty, { recursive: true });
        const env = { ...process.env, SEMISUP_OFFLINE: '1', TORCH_HOME: empty };
        const isInstall = args[1] === 'libtorch' && args[2] === 'install';
        const help = isInstall ? ['--help'] : [];
        const { code: status, stderr } = await runCommand([...args.slice(1), ...help], env);
        assert.notEqual(status, 2, `${args.join(' ')}: ${stderr}`);
      } else if (program === 'npm' && args[0] === 'run') {
        assert.ok(Object.hasOwn(scripts, args[1]!), `npm run ${args[1]}`);
      } else if (program === 'node') {
        const file = args.find((arg) => !arg.startsWith('-'))!;
        if (file === 'app.js') continue; // The reader's own.
        assert.ok(existsSync(join(root, file.replace('node_modules/semisup/', ''))), file);
      }
    }
  }
});
