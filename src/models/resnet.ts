import type { ModuleSpec, TensorSpec } from '../types';

/**
 * The shape of a residual network, in torchvision's terms.
 *
 * Sources: He et al. 2015 (arXiv 1512.03385); Xie et al. 2016 (arXiv 1611.05431) for the groups.
 */
export interface Architecture {
  /** Two 3x3 convolutions, or 1x1, 3x3, 1x1 with an expansion of four. */
  readonly block: 'basic' | 'bottleneck';
  /** Blocks per stage. */
  readonly layers: readonly [number, number, number, number];
  /** Groups of the 3x3 convolution of a bottleneck; 1 for a ResNet, 32 for the ResNeXts. */
  readonly groups: number;
  /** Inner width of a bottleneck: planes · widthPerGroup/64 · groups. */
  readonly widthPerGroup: number;
  /**
   * Which convolution of a bottleneck has the stride of two: the 3x3 (`v1.5`, as in torchvision), or the
   * first 1x1 (`v1`, as in the paper and Keras).
   */
  readonly stride: 'v1.5' | 'v1';
}

const resnext = { block: 'bottleneck', groups: 32, stride: 'v1.5' } as const;

/** The architectures of the twelve models, and of the baseline (`resnet50_v1`). */
export const architectures = {
  resnet18: {
    block: 'basic',
    layers: [2, 2, 2, 2],
    groups: 1,
    widthPerGroup: 64,
    stride: 'v1.5',
  },
  resnet50: {
    block: 'bottleneck',
    layers: [3, 4, 6, 3],
    groups: 1,
    widthPerGroup: 64,
    stride: 'v1.5',
  },
  resnet50_v1: {
    block: 'bottleneck',
    layers: [3, 4, 6, 3],
    groups: 1,
    widthPerGroup: 64,
    stride: 'v1',
  },
  resnext50_32x4d: { ...resnext, layers: [3, 4, 6, 3], widthPerGroup: 4 },
  resnext101_32x4d: { ...resnext, layers: [3, 4, 23, 3], widthPerGroup: 4 },
  resnext101_32x8d: { ...resnext, layers: [3, 4, 23, 3], widthPerGroup: 8 },
  resnext101_32x16d: { ...resnext, layers: [3, 4, 23, 3], widthPerGroup: 16 },
} as const satisfies Record<string, Architecture>;

/** A key of `architectures`. */
export type ArchitectureName = keyof typeof architectures;

/** Whether `name` is a key of `architectures`. */
export function isArchitectureName(name: string): name is ArchitectureName {
  return Object.hasOwn(architectures, name);
}

/**
 * A residual network as a TorchScript module tree, parameter names and their order as in
 * torchvision's `ResNet`. Methods: `forward`, images [n, 3, h, w] to logits [n, numClasses];
 * `features`, images to the pooled features before `fc`, [n, 512] for basic blocks and [n, 2048] for
 * bottlenecks; `feature_map`, images to those features before the pooling, [n, c, h/32, w/32]; `pyramid`, images to
 * the tuple of the outputs of the stages (`featureInfo`), of which `feature_map` is the last; and `class_maps`, images to [n, numClasses + numClasses * h/32 * w/32]: the logits, then for each class the products of the features
 * of each position with its weights, row by row. The mean of a map plus the bias of its class is the logit. All are
 * float32. `train()` and `eval()` switch BatchNorm between the batch's and the running statistics.
 */
export function resnet(architecture: Architecture, numClasses = 1000): ModuleSpec {
  const expansion = architecture.block === 'basic' ? 1 : 4;
  const stages: Record<string, ModuleSpec> = {};
  let inputs = 64;
  for (const [stage, blocks] of architecture.layers.entries()) {
    const planes = 64 * 2 ** stage;
    const outputs = planes * expansion;
    stages[`layer${stage + 1}`] = sequential(
      Array.from({ length: blocks }, (_, index) =>
        index === 0
          ? block(architecture, inputs, planes, stage === 0 ? 1 : 2)
          : block(architecture, outputs, planes, 1),
      ),
    );
    inputs = outputs;
  }
  return {
    type: 'ResNet',
    source: resnetSource,
    modules: {
      conv1: conv2d(3, 64, 7, { stride: 2 }),
      bn1: batchNorm2d(64),
      ...stages,
      fc: linear(inputs, numClasses),
    },
  };
}

/**
 * `class_maps` applies `fc` at each position, as a linear layer over channels-last features: the plan's linear step
 * runs on the same packed weights as that of `forward`, so that a compiled model stores them once. The bias belongs to
 * no position. The logits come first because the maps alone, without it, do not tell which class is the best.
 */
const resnetSource = `
def pyramid(self, x):
    relu = torch.relu(self.bn1.forward(self.conv1.forward(x)))
    layer1 = self.layer1.forward(torch.max_pool2d(relu, [3, 3], [2, 2], [1, 1]))
    layer2 = self.layer2.forward(layer1)
    layer3 = self.layer3.forward(layer2)
    return relu, layer1, layer2, layer3, self.layer4.forward(layer3)

def feature_map(self, x):
    return self.pyramid(x)[4]

def pool(self, x):
    return torch.flatten(torch.adaptive_avg_pool2d(x, [1, 1]), 1)

def features(self, x):
    return self.pool(self.feature_map(x))

def forward(self, x):
    return self.fc.forward(self.features(x))

def class_maps(self, x):
    x = self.feature_map(x)
    logits = self.fc.forward(self.pool(x))
    maps = torch.linear(torch.permute(x, [0, 2, 3, 1]), self.fc.weight, None)
    return torch.cat([logits, torch.flatten(torch.permute(maps, [0, 3, 1, 2]), 1)], 1)
`;

function block(
  architecture: Architecture,
  inputs: number,
  planes: number,
  stride: number,
): ModuleSpec {
  const basic = architecture.block === 'basic';
  const outputs = basic ? planes : planes * 4;
  const branch = basic
    ? basicBranch(inputs, planes, stride)
    : bottleneckBranch(architecture, inputs, planes, stride);
  const name = basic ? 'BasicBlock' : 'Bottleneck';
  const body = basic ? basicSource : bottleneckSource;
  if (stride === 1 && inputs === outputs) {
    return { type: name, source: `${body}    return torch.relu(y + x)\n`, modules: branch };
  }
  return {
    type: `${name}Downsample`,
    source: `${body}    return torch.relu(y + self.downsample.forward(x))\n`,
    modules: {
      ...branch,
      downsample: sequential([conv2d(inputs, outputs, 1, { stride }), batchNorm2d(outputs)]),
    },
  };
}

const basicSource = `
def forward(self, x):
    y = torch.relu(self.bn1.forward(self.conv1.forward(x)))
    y = self.bn2.forward(self.conv2.forward(y))
`;

function basicBranch(inputs: number, planes: number, stride: number): Record<string, ModuleSpec> {
  return {
    conv1: conv2d(inputs, planes, 3, { stride }),
    bn1: batchNorm2d(planes),
    conv2: conv2d(planes, planes, 3),
    bn2: batchNorm2d(planes),
  };
}

const bottleneckSource = `
def forward(self, x):
    y = torch.relu(self.bn1.forward(self.conv1.forward(x)))
    y = torch.relu(self.bn2.forward(self.conv2.forward(y)))
    y = self.bn3.forward(self.conv3.forward(y))
`;

function bottleneckBranch(
  { groups, widthPerGroup, stride: placement }: Architecture,
  inputs: number,
  planes: number,
  stride: number,
): Record<string, ModuleSpec> {
  const width = ((planes * widthPerGroup) / 64) * groups;
  const [first, second] = placement === 'v1' ? [stride, 1] : [1, stride];
  return {
    conv1: conv2d(inputs, width, 1, { stride: first }),
    bn1: batchNorm2d(width),
    conv2: conv2d(width, width, 3, { stride: second, groups }),
    bn2: batchNorm2d(width),
    conv3: conv2d(width, planes * 4, 1),
    bn3: batchNorm2d(planes * 4),
  };
}

/** TorchScript cannot iterate over submodules: the calls are written out, one class per sequence. */
function sequential(modules: readonly ModuleSpec[]): ModuleSpec {
  const calls = modules.map((_, index) => `    x = getattr(self, "${index}").forward(x)\n`);
  const types = modules.map(({ type }) => type);
  const runs = types.filter((type, index) => type !== types[index - 1]);
  return {
    type: `Sequential${modules.length}${runs.join('')}`,
    source: `\ndef forward(self, x):\n${calls.join('')}    return x\n`,
    modules: Object.fromEntries(modules.map((module, index) => [String(index), module])),
  };
}

/** Padded so that only the stride changes the size; without bias. */
function conv2d(
  inputs: number,
  outputs: number,
  kernel: number,
  { stride = 1, groups = 1 } = {},
): ModuleSpec {
  return {
    type: 'Conv2d',
    source: `
def forward(self, x):
    s, p = self.stride, self.padding
    return torch.conv2d(x, self.weight, None, [s, s], [p, p], [1, 1], self.groups)
`,
    parameters: { weight: float32([outputs, inputs / groups, kernel, kernel]) },
    attributes: { stride, padding: (kernel - 1) / 2, groups },
  };
}

/** PyTorch's `BatchNorm2d` with its defaults: momentum 0.1, eps 1e-5. */
function batchNorm2d(channels: number): ModuleSpec {
  const vector = float32([channels]);
  return {
    type: 'BatchNorm2d',
    source: `
def forward(self, x):
    if self.training:
        self.num_batches_tracked.add_(1)
    return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.training, 0.1, 1e-5, True)
`,
    parameters: { weight: vector, bias: vector },
    buffers: {
      running_mean: vector,
      running_var: vector,
      num_batches_tracked: { dtype: 'int64', shape: [] },
    },
  };
}

function linear(inputs: number, outputs: number): ModuleSpec {
  return {
    type: 'Linear',
    source: `
def forward(self, x):
    return torch.linear(x, self.weight, self.bias)
`,
    parameters: { weight: float32([outputs, inputs]), bias: float32([outputs]) },
  };
}

function float32(shape: readonly number[]): TensorSpec {
  return { dtype: 'float32', shape };
}
