"""The contenders of train.mjs in Python: PyTorch, eager, in channels-last.

    python train_python.py default|fused ARCHITECTURE BATCH THREADS PRECISION

default is the optimizer as PyTorch creates it, fused the one with `fused=True`.
"""

import sys
import time
from pathlib import Path

import torch
from serve import serve

sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "support"))
from generated_checkpoint import fill  # noqa: E402
from reference_resnet import resnet  # noqa: E402

kind, architecture, batch, threads, precision = sys.argv[1:]
count = int(batch)


def open():
    torch.set_num_threads(int(threads))
    model = fill(resnet(architecture)).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.001, momentum=0.9, nesterov=True, weight_decay=1e-4, fused=kind == "fused"
    )
    images = (torch.rand(count, 3, 224, 224) - 0.5).to(memory_format=torch.channels_last)
    targets = torch.arange(count)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = torch.nn.functional.cross_entropy(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def measure(request):
        milliseconds = []
        for _ in range(request["steps"]):
            began = time.perf_counter()
            step()
            milliseconds.append(1000 * (time.perf_counter() - began))
        return {"milliseconds": milliseconds}

    step()
    return {}, measure


serve(open)
