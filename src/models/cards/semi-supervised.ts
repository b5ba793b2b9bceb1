import type { ArchitectureName } from '../resnet';
import { imagenetTransform } from '../transform';
import type { Accuracy, License, ModelCard } from './card';

const host = 'https://dl.fbaipublicfiles.com/semiweaksupervision/model_files';

const paper = {
  title: 'Billion-scale semi-supervised learning for image classification (Yalniz et al., 2019)',
  url: 'https://arxiv.org/abs/1905.00546',
};

const ccByNc: License = {
  name: 'CC-BY-NC 4.0',
  url: 'https://creativecommons.org/licenses/by-nc/4.0/',
  commercial: false,
};

/** Properties shared by the models of one kind of supervision. */
const kinds = {
  ssl: {
    title: 'semi-supervised',
    file: 'semi_supervised',
    timm: 'fb_ssl_yfcc100m_ft_in1k',
    training:
      'Pre-trained on photos that a ResNeXt-101 32x48d, trained on ImageNet-1k alone, selected from the 90 million unlabeled ones of YFCC100M and labeled; then fine-tuned on ImageNet-1k.',
  },
  swsl: {
    title: 'semi-weakly supervised',
    file: 'semi_weakly_supervised',
    timm: 'fb_swsl_ig1b_ft_in1k',
    training:
      'Pre-trained on 64 million of 940 million public images with 1,500 hashtags (IG-1B), selected and labeled by a ResNeXt-101 32x48d that was trained on those hashtags and ImageNet-1k; then fine-tuned on ImageNet-1k.',
  },
} as const;

/** Properties shared by the two models of one architecture. */
const networks = {
  resnet18: { title: 'ResNet-18', file: 'resnet18', parameters: 11_689_512, gmacs: 1.82 },
  resnet50: { title: 'ResNet-50', file: 'resnet50', parameters: 25_557_032, gmacs: 4.11 },
  resnext50_32x4d: {
    title: 'ResNeXt-50 32x4d',
    file: 'resnext50_32x4',
    parameters: 25_028_904,
    gmacs: 4.26,
  },
  resnext101_32x4d: {
    title: 'ResNeXt-101 32x4d',
    file: 'resnext101_32x4',
    parameters: 44_177_704,
    gmacs: 8.01,
  },
  resnext101_32x8d: {
    title: 'ResNeXt-101 32x8d',
    file: 'resnext101_32x8',
    parameters: 88_791_336,
    gmacs: 16.48,
  },
  resnext101_32x16d: {
    title: 'ResNeXt-101 32x16d',
    file: 'resnext101_32x16',
    parameters: 194_026_792,
    gmacs: 36.27,
  },
} as const satisfies Partial<Record<ArchitectureName, object>>;

/** Properties of one model; the figures as documented at `Accuracy` and `Robustness`. */
interface Row {
  readonly sha256: string;
  readonly claimed: readonly [top1: number, top5: number];
  readonly measured: readonly [top1: number, top5: number];
  readonly robustness: readonly [real: number, v2: number, a: number, r: number, sketch: number];
  readonly choice: string;
  readonly note?: string;
}

const rows: readonly [keyof typeof networks, keyof typeof kinds, Row][] = [
  [
    'resnet18',
    'ssl',
    {
      sha256: 'd92f0530',
      claimed: [72.8, 91.5],
      measured: [72.636, 91.416],
      robustness: [80.112, 61.49, 3.747, 35.647, 21.29],
      choice: 'resnet18_swsl is more accurate at the same cost, but is trained with hashtags.',
    },
  ],
  [
    'resnet50',
    'ssl',
    {
      sha256: '08389792',
      claimed: [79.3, 94.9],
      measured: [79.252, 94.826],
      robustness: [85.138, 68.33, 15.84, 43.903, 29.419],
      choice: 'resnet50_swsl is more accurate at the same cost, but is trained with hashtags.',
    },
  ],
  [
    'resnext50_32x4d',
    'ssl',
    {
      sha256: 'ddb3e555',
      claimed: [80.3, 95.4],
      measured: [80.316, 95.386],
      robustness: [86.071, 69.6, 19.693, 45.37, 30.616],
      choice:
        'resnext50_32x4d_swsl is more accurate at the same cost, but is trained with hashtags.',
    },
  ],
  [
    'resnext101_32x4d',
    'ssl',
    {
      sha256: 'dc43570a',
      claimed: [81.0, 95.7],
      measured: [80.936, 95.732],
      robustness: [86.511, 70.4, 23.8, 47.183, 31.455],
      choice:
        'resnext101_32x4d_swsl is more accurate at the same cost, but is trained with hashtags.',
    },
  ],
  [
    'resnext101_32x8d',
    'ssl',
    {
      sha256: '2cfe2f8b',
      claimed: [81.7, 96.1],
      measured: [81.62, 96.036],
      robustness: [86.803, 71.43, 28.96, 49.157, 34.064],
      choice:
        'resnext101_32x8d_swsl is more accurate at the same cost, but is trained with hashtags.',
    },
  ],
  [
    'resnext101_32x16d',
    'ssl',
    {
      sha256: '15fffa57',
      claimed: [81.9, 96.2],
      measured: [81.856, 96.084],
      robustness: [86.846, 71.19, 32.4, 50.287, 34.62],
      choice:
        'resnext101_32x8d_swsl is more accurate at half the cost; this one has seen no hashtags.',
    },
  ],
  [
    'resnet18',
    'swsl',
    {
      sha256: '118f1556',
      claimed: [73.4, 91.9],
      measured: [73.286, 91.754],
      robustness: [80.564, 62.68, 6.227, 52.26, 35.862],
      choice: 'The fastest, for limited time or memory.',
    },
  ],
  [
    'resnet50',
    'swsl',
    {
      sha256: '16a12f1b',
      claimed: [81.2, 96.0],
      measured: [81.146, 95.98],
      robustness: [86.805, 71.67, 29.76, 68.38, 49.516],
      choice: 'The usual choice: four fifths right at a moderate cost.',
    },
  ],
  [
    'resnext50_32x4d',
    'swsl',
    {
      sha256: '72679e44',
      claimed: [82.2, 96.3],
      measured: [82.162, 96.224],
      robustness: [87.574, 72.46, 33.067, 69.107, 50.532],
      choice: 'A point more accurate than resnet50_swsl at the same size, but slower on most CPUs.',
    },
  ],
  [
    'resnext101_32x4d',
    'swsl',
    {
      sha256: '3f87e46b',
      claimed: [83.4, 96.8],
      measured: [83.268, 96.76],
      robustness: [88.108, 74.04, 41.6, 72.703, 53.646],
      choice: 'For more accuracy than resnext50_32x4d_swsl at twice its cost.',
    },
  ],
  [
    'resnext101_32x8d',
    'swsl',
    {
      sha256: 'b4712904',
      claimed: [84.3, 97.2],
      measured: [84.276, 97.188],
      robustness: [88.757, 75.47, 51.173, 75.573, 56.448],
      choice: 'The most accurate of all on ImageNet.',
    },
  ],
  [
    'resnext101_32x16d',
    'swsl',
    {
      sha256: 'f3559a9c',
      claimed: [84.8, 97.4],
      measured: [83.34, 96.844],
      robustness: [87.612, 73.72, 45.92, 76.217, 57.46],
      choice:
        'resnext101_32x8d_swsl is more accurate on photos at half the cost; this one leads by a point on renditions and sketches only.',
      note: 'The file that can be downloaded is not the one of the paper: it was saved incorrectly and never replaced, hence 83.340 measured for 84.8 claimed.',
    },
  ],
];

/** The semi-supervised and the semi-weakly supervised models, in upstream's order. */
export const semiSupervised: readonly ModelCard[] = rows.map(([architecture, supervision, row]) => {
  const network = networks[architecture];
  const kind = kinds[supervision];
  const timm = `${architecture}.${kind.timm}`;
  const file = `${kind.file}_${network.file}-${row.sha256}.pth`;
  const [real, v2, a, r, sketch] = row.robustness;
  return {
    name: `${architecture}_${supervision}`,
    aliases: [`${supervision}_${architecture}`, timm],
    title: `${network.title}, ${kind.title}`,
    architecture,
    parameters: network.parameters,
    gmacs: network.gmacs,
    accuracy: { claimed: accuracy(row.claimed), measured: accuracy(row.measured) },
    robustness: { real, v2, a, r, sketch },
    training: kind.training,
    paper,
    license: ccByNc,
    choice: row.choice,
    note: row.note,
    transform: imagenetTransform,
    origin: {
      kind: 'file',
      file,
      sha256Prefix: row.sha256,
      url: `${host}/${file}`,
      safetensors: { repo: `timm/${timm}` },
    },
  };
});

function accuracy([top1, top5]: readonly [number, number]): Accuracy {
  return { top1, top5 };
}
