import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Classifier } from '../../src';
import { saveGeneratedModel } from '../support/generated-model';
import { installPackages, noRegistry } from '../support/npm-registry';
import { packPackage } from '../support/packed-package';
import { findPhoto } from '../support/photos';
import { root } from '../support/run-node';

const run = promisify(execFile);

/** The largest size of the package and its dependencies, in bytes. */
const maxBytes = 60e6;

const program = `
import { readFileSync } from 'node:fs';
import { Classifier, memory } from 'semisup';

const model = await Classifier.open('/model.semisup');
const best = await model.classify('/photo.jpg');
const { length } = await model.embed('/photo.jpg');
const opened = readFileSync('/proc/self/maps', 'utf8').match(/[^/]*(torch|c10|gomp)[^/]*\\.so.*/g);
console.log(JSON.stringify({ best, length, opened, kind: model.plan.kind, mapped: memory().mappedFiles.count }));
await model.close();
`;

/** Why this machine cannot run a program in a root directory of its own, without a network; undefined if it can. */
function reasonAgainstRoot(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  const { status } = spawnSync('unshare', ['--net', '--mount', 'true']);
  return status === 0 ? undefined : 'needs the permission to call unshare and chroot';
}

const reason = noRegistry() ?? reasonAgainstRoot();

(reason ? describe.skip : describe)(
  `the package and a compiled model${reason ? ` (skipped: ${reason})` : ''}`,
  function () {
    this.timeout(600_000);
    let directory: string;
    let modules: string;
    const at = (...path: string[]) => join(directory, ...path);

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
      modules = at('root', 'app', 'node_modules');
      await installPackages(at('root', 'app'), [packPackage(directory)]);
    });
    after(() => rm(directory, { recursive: true, force: true }));

    it('take less than 60 MB', function () {
      const bytes = (path: string) =>
        Number(
          execFileSync('du', ['--summarize', '--bytes', path], { encoding: 'utf8' }).split('\t')[0],
        );
      const all = bytes(modules);
      const images = ['sharp', '@img', '@napi-rs'].map((name) => bytes(join(modules, name)));
      const semisup = bytes(join(modules, 'semisup'));
      const decoders = images.reduce((sum, size) => sum + size);
      const [total, own, ofImages] = [all, semisup, decoders].map((size) =>
        (size / 1e6).toFixed(1),
      );
      assert.ok(all < maxBytes, `${total} MB`);
      this.test!.title += `, which take ${total} MB: semisup ${own}, sharp and the other decoders ${ofImages}`;
    });

    it('classify in a root directory without LibTorch, a compiler, a shell and a network', async () => {
      const torchScript = await saveGeneratedModel(at('resnet50.pt'), 'resnet50');
      const model = await Classifier.open(torchScript, { plan: 'interpreter' });
      await model.compile(at('root', 'model.semisup'));
      await model.close();
      const photo =
        findPhoto('n01440764_tench.JPEG') ?? join(root, 'test', '50.image', 'fixtures', 'rgb.jpg');
      await cp(photo, at('root', 'photo.jpg'));
      await cp(process.execPath, at('root', 'node'));
      await writeFile(at('root', 'app', 'app.mjs'), program);
      await copySystemLibraries();
      const { stdout } = await run(
        'unshare',
        [
          ...['--net', '--mount', '--pid', '--fork', 'sh', '-c'],
          'mkdir -p "$1/proc" && mount -t proc proc "$1/proc" && exec chroot "$1" /node /app/app.mjs',
          ...['sh', at('root')],
        ],
        { env: { HOME: '/' } },
      );
      const { best, ...rest } = JSON.parse(stdout) as { best: unknown[] };
      assert.deepEqual(rest, { length: 2048, opened: null, kind: 'compiled', mapped: 1 });
      const compiled = await Classifier.open(at('root', 'model.semisup'));
      assert.deepEqual(best, await compiled.classify(photo));
      await compiled.close();
    });

    /** Copies the libraries of the system that Node and the addons need. */
    async function copySystemLibraries(): Promise<void> {
      const addons = (await readdir(modules, { recursive: true }))
        .filter((name) => /\.(node|so(\.[\d.]+)?)$/.test(name))
        .map((name) => join(modules, name));
      const { stdout } = spawnSync('ldd', [process.execPath, ...addons], { encoding: 'utf8' });
      const libraries = new Set(
        [...stdout.matchAll(/(?:=> |^\t)(\/(?:usr\/)?lib(?:64)?\/\S+) \(0x/gm)].map(
          ([, path]) => path!,
        ),
      );
      for (const path of libraries) {
        await mkdir(dirname(at('root', path)), { recursive: true });
        await cp(path, at('root', path), { dereference: true });
      }
    }
  },
);
