import { toPrintable } from '../checkpoint/errors';
import type { Checkpoint } from '../checkpoint/state-dict';
import { CheckpointError } from '../errors';
import { cards, findCard } from '../models/cards';
import {
  architectures,
  isArchitectureName,
  type Architecture,
  type ArchitectureName,
} from '../models/resnet';

/** The keys under which training scripts (timm, torchvision, PyTorch's examples) store the architecture. */
const architectureKeys = ['architecture', 'arch', 'model_name', 'model'];
/** The entries that contain a script's options. */
const optionKeys = ['args', 'hyper_parameters', 'hparams', 'config', 'cfg'];

/** What a checkpoint's metadata says of its architecture. */
export interface DeclaredArchitecture {
  /** Its name in the checkpoint, e.g. `resnet50` or `swsl_resnet50`. */
  readonly name: string;
  /** The architecture of that name; undefined if it is not one of ours. */
  readonly architecture: ArchitectureName | undefined;
}

/** The architecture that a checkpoint's metadata names; undefined if it names none. */
export function declaredArchitecture({
  metadata,
}: Pick<Checkpoint, 'metadata'>): DeclaredArchitecture | undefined {
  for (const name of lookUp(metadata, architectureKeys)) {
    const card = findCard(name);
    // torchvision's and timm's own name is `resnet50`, with a tag in newer versions of timm.
    const [plain = name] = name.split('.');
    const architecture = card?.architecture ?? (isArchitectureName(plain) ? plain : undefined);
    return { name, architecture };
  }
  return undefined;
}

/** Throws unless the architecture and stride that a checkpoint's metadata states, if any, are those of `asked`. */
export function checkDeclaredArchitecture(checkpoint: Checkpoint, asked: ArchitectureName): void {
  const declared = declaredArchitecture(checkpoint);
  if (declared?.architecture !== undefined && declared.architecture !== asked) {
    const fitting = cards.find(({ architecture }) => architecture === declared.architecture)!;
    throw contradiction(
      checkpoint,
      `its architecture is '${toPrintable(declared.name)}'`,
      asked,
      fitting.name,
    );
  }
  const { block, stride } = architectures[asked];
  const declaredStride = strideIn(checkpoint);
  if (block === 'bottleneck' && declaredStride !== undefined && declaredStride !== stride) {
    const fitting = declaredStride === 'v1' ? 'resnet50_baseline' : 'resnet50_swsl';
    throw contradiction(checkpoint, `its stride is that of ${declaredStride}`, asked, fitting);
  }
}

/** Whether a checkpoint's metadata states the architecture or the stride. */
export function declaresStride(checkpoint: Checkpoint): boolean {
  const isStated = strideIn(checkpoint) !== undefined;
  return isStated || declaredArchitecture(checkpoint)?.architecture !== undefined;
}

function strideIn({ metadata }: Checkpoint): Architecture['stride'] | undefined {
  const [stride] = lookUp(metadata, ['stride']);
  return stride === 'v1' || stride === 'v1.5' ? stride : undefined;
}

/** The values of keys at the top of the checkpoint, then in the options of the script. */
function lookUp(metadata: ReadonlyMap<string, string>, keys: readonly string[]): string[] {
  const nested = optionKeys.flatMap((option) => keys.map((key) => `${option}.${key}`));
  return [...keys, ...nested].flatMap((key) => metadata.get(key) ?? []);
}

function contradiction(
  { path }: Checkpoint,
  statement: string,
  asked: ArchitectureName,
  fitting: string,
): CheckpointError {
  const { block, stride } = architectures[asked];
  const detail = block === 'bottleneck' ? `, with the stride of ${stride}` : '';
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_MISMATCH', {
    what: `The metadata of the checkpoint '${path}' says that ${statement}, but it was loaded as ${asked}${detail}.`,
    remedy: `Load it as ${fitting}, or save only the state dict if the metadata is wrong.`,
    value: path,
  });
}
