import { join } from 'node:path';
import { formatMetadata, metadataFile } from '../../src/models/metadata';
import { ScriptModule } from '../../src/torch';
import { saveSource, side } from './slot-models';

/** Runs until the process ends if `n` is negative, otherwise `n` iterations. Returns `n`. */
const loop = `
def forward(self, n: int) -> int:
    i = 0
    while n < 0 or i < n:
        i += 1
    return n
`;

/** Loading it never ends. */
const endlessLoad = `
def forward(self, n: int) -> int:
    return n
def __getstate__(self) -> Tuple[int, bool]:
    return (1, False)
def __setstate__(self, state: Tuple[int, bool]) -> None:
    n = state[0]
    while n > 0:
        n += 1
`;

/** Predicts class 0; for a white image it never ends. */
const endlessOnWhite = `
def forward(self, x: Tensor) -> Tensor:
    while bool(x.min() > 0.49):
        x = torch.relu(x)
    return x.flatten(1)[:, 0:3] * 0.0 + torch.tensor([1.0, 0.0, 0.0])
def features(self, x: Tensor) -> Tensor:
    return x.flatten(1)
`;

/** Writes `loop.pt`, `load.pt` and `white.pt`, whose calls or loading never end. */
export async function saveEndlessModels(directory: string): Promise<void> {
  await saveSource(join(directory, 'loop.pt'), loop);
  await saveSource(join(directory, 'load.pt'), endlessLoad);
  await using classifier = await ScriptModule.create({ type: 'White', source: endlessOnWhite });
  const metadata = formatMetadata({
    ...{ name: 'endless on white', architecture: 'resnet18', stride: 'v1.5', numClasses: 3 },
    ...{ head: 'checkpoint', labels: null, license: null },
    source: { file: 'none', sha256: '0'.repeat(64) },
    transform: { resize: side, crop: side, mean: [0.5, 0.5, 0.5], std: [1, 1, 1] },
  });
  await classifier.save(join(directory, 'white.pt'), { extraFiles: { [metadataFile]: metadata } });
}
