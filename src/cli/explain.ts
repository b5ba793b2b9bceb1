import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Command } from 'commander';
import type { HeatMap } from '../classify';
import { ImageError, OptionError } from '../errors';
import { renderOverlay, type ColorMap, type OverlayFormat } from '../explain';
import { completeLimits, type ImageInput } from '../image';
import { invalidValue } from '../options';
import { finishTuning } from './finish-tuning';
import { withHubFlags, type HubFlags } from './hub-options';
import { openClassifier } from './open-classifier';
import { processImages } from './process-images';
import { withRunFlags, type RunFlags } from './run-options';
import { bold, errorAsJson, print, printJson } from './terminal';

interface ExplainFlags extends HubFlags, RunFlags {
  readonly out?: string;
  readonly class?: string;
  readonly layer?: string;
  readonly colorMap?: ColorMap;
  readonly orient?: boolean;
  readonly json?: boolean;
}

const formats: Readonly<Record<string, OverlayFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
};

/** `semisup explain IMAGE` */
export function explainCommand(): Command {
  return withHubFlags(
    withRunFlags(
      new Command('explain')
        .description('draw which parts of an image speak for a class (CAM, Grad-CAM)')
        .argument('<image>', 'path, http(s) URL, or - for standard input'),
    )
      .option('-o, --out <file>', 'where to write the overlay: .png, .jpg or .webp')
      .option('-c, --class <class>', 'index, WordNet ID or name; default: the most probable class')
      .option('--layer <layer>', 'e.g. layer3, by gradients; default: the last stage, without')
      .option('--color-map <name>', 'inferno, magma or viridis', 'inferno')
      .option('--orient', 'rotate the image according to its EXIF orientation')
      .option('--json', 'print the heat map as JSON'),
  ).action(async (name: string, flags: ExplainFlags) => {
    const { out, orient, json = false, layer, colorMap } = flags;
    const format = formatOf(out, json);
    await using model = await openClassifier({ ...flags, plan: planFor(flags) });
    const explain = async (input: ImageInput) => {
      const image = await toRepeatable(input);
      const map = await model.explain(image, { class: parseClass(flags.class), layer, orient });
      if (out !== undefined) {
        await write(out, await renderOverlay(image, map, { orient, colorMap, format }));
      }
      return map;
    };
    const results: object[] = [];
    for await (const { image, result, error } of processImages([name], explain)) {
      if (json)
        results.push({ image, ...(error ? { error: errorAsJson(error) } : asJson(result)) });
      else if (result) print(`${bold(out!)}  ${describe(result)}`);
    }
    if (json) printJson(results);
    await finishTuning(model);
  });
}

function formatOf(out: string | undefined, json: boolean): OverlayFormat | undefined {
  const format = formats[extname(out ?? '').toLowerCase()];
  if (format || (out === undefined && json)) return format;
  const extensions = Object.keys(formats).join(', ');
  throw invalidValue(
    '--out',
    `a file name that ends in ${extensions}`,
    out,
    'Pass one, or --json to print the heat map.',
  );
}

/** Gradients need TorchScript, and no tuning. */
function planFor({ plan, layer, model }: ExplainFlags): ExplainFlags['plan'] {
  const needsGradients = layer !== undefined && layer !== 'layer4' && !model.endsWith('.semisup');
  return plan ?? (needsGradients ? 'untuned' : undefined);
}

function parseClass(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

/** Reads a stream into memory, because the image is decoded twice. */
async function toRepeatable(image: ImageInput): Promise<ImageInput> {
  const isStream = typeof image === 'object' && Symbol.asyncIterator in image;
  if (!isStream) return image;
  const limit = completeLimits(undefined).bytes;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of image) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= limit) continue;
    throw new ImageError('ERR_SEMISUP_IMAGE_TOO_LARGE', {
      what: `The image is larger than the limit of ${limit} bytes.`,
      remedy: 'Pass a smaller file.',
      value: bytes,
    });
  }
  return Buffer.concat(chunks);
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (cause) {
    throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what: `The file ${path} of --out could not be written: ${(cause as Error).message}.`,
      remedy: 'Check the directory, its permissions and its free space.',
      value: path,
      cause,
    });
  }
}

function asJson(map: HeatMap): object {
  return { ...map, data: [...map.data] };
}

function describe({ class: { label, wnid, score } }: HeatMap): string {
  return [label, wnid, `${(score * 100).toFixed(1)} %`].filter((text) => text !== '').join('  ');
}
