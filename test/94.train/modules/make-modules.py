"""
Writes modules as users save them, for three classes, and losses.json: those of PyTorch when it trains them.

    python3 make-modules.py

Requires torch and numpy. The goldens were computed with 2.13.0 (CPU) and 2.x.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

here = Path(__file__).parent
sys.path.insert(0, str(here.parents[1] / "support"))
from generated_checkpoint import uniform  # noqa: E402

SIDE = 16
COUNT = 6
STEPS = 10


class Net(nn.Module):
    def __init__(self, dropout=0.0, norm=True):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.norm = nn.BatchNorm2d(8) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(8, 3)

    def pool(self, x):
        return torch.relu(self.norm(self.conv(x))).mean([2, 3])

    def forward(self, x):
        return self.classifier(self.dropout(self.pool(x)))


class Shared(Net):
    """Two layers with the same weight."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)
        self.second.weight = self.first.weight

    def forward(self, x):
        x = self.pool(x)
        return self.classifier(x + self.second(torch.relu(self.first(x))))


class Unused(Net):
    def __init__(self):
        super().__init__()
        self.auxiliary = nn.Linear(8, 3)


class Detached(Net):
    def forward(self, x):
        return self.classifier(self.pool(x).detach())


class Pair(Net):
    def forward(self, x):
        pooled = self.pool(x)
        return self.classifier(pooled), pooled


class OneImage(Net):
    """Reshapes to the size of the batch, which a trace records."""

    def forward(self, x):
        return self.classifier(self.pool(x)).reshape(int(x.shape[0]), -1)


class OneSize(nn.Module):
    """Accepts images of one size."""

    def __init__(self):
        super().__init__()
        self.classifier = nn.Linear(3 * SIDE * SIDE, 3)

    def forward(self, x):
        return self.classifier(torch.flatten(x, 1))


def create(kind, *args, **options):
    torch.manual_seed(0)
    return kind(*args, **options)


def losses(model):
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(
        [
            {"params": [one for one in parameters if one.dim() > 1], "weight_decay": 1e-2},
            {"params": [one for one in parameters if one.dim() <= 1], "weight_decay": 0},
        ],
        lr=0.1,
        momentum=0.9,
        nesterov=True,
    )
    values = []
    for step in range(STEPS):
        images = np.concatenate(list(uniform(2000 + step, COUNT * 3 * SIDE * SIDE))).astype(np.float32)
        # Determines what is dropped.
        torch.manual_seed(step)
        logits = model.train()(torch.from_numpy(images).view(COUNT, 3, SIDE, SIDE))
        loss = nn.functional.cross_entropy(logits, torch.arange(COUNT) % 3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    return values


def save(file, module, extra=None):
    """Without the debug records, which have the paths of the machine."""
    path = here / f"{file}.pt"
    torch.jit.save(module, path, _extra_files=extra or {})
    reader = torch._C.PyTorchFileReader(str(path))
    records = {name: reader.get_record(name) for name in reader.get_all_records()}
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, content in records.items():
        if name not in ("version", "byteorder", ".data/serialization_id") and not name.endswith(".debug_pkl"):
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()


def script(file, model, **metadata):
    extra = {"semisup.json": json.dumps({"format": 1, **metadata})} if metadata else {}
    save(file, torch.jit.script(model), extra)


def trace(name, model, count=2):
    module = torch.jit.trace(model, torch.rand(count, 3, SIDE, SIDE), check_trace=False)
    save(name, module)


goldens = {}
for name, model in {"scripted": create(Net, 0.5), "shared": create(Shared)}.items():
    script(name, model.eval())
    goldens[name] = losses(model)
(here / "losses.json").write_text(json.dumps(goldens, indent=1) + "\n")

script("unused", create(Unused))
script("detached", create(Detached))
script("pair", create(Pair))
script("one-size", create(OneSize))
script(
    "described",
    create(Net),
    name="before",
    labels=["x", "y", "z"],
    license={"name": "MIT", "url": "https://example.org", "commercial": True},
    transform={"resize": 20, "crop": SIDE, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
)
save("frozen", torch.jit.freeze(torch.jit.script(create(Net).eval())))
trace("traced", create(Net).eval())
trace("traced-dropout", create(Net, 0.5, norm=False).eval())
trace("traced-training", create(Net).train())
trace("traced-batch", create(OneImage, norm=False), 1)
