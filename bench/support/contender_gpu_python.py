"""The contenders of gpu.mjs that run PyTorch in Python.

    python contender_gpu_python.py eager|reduce-overhead|max-autotune ARCHITECTURE INPUT DTYPE
    python contender_gpu_python.py matrix
"""

import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from serve import serve

sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "support"))
kind, *rest = sys.argv[1:]
device = torch.device(os.environ.get("SEMISUP_BENCH_DEVICE", "cuda"))
dtypes = {"float32": torch.float32, "tf32": torch.float32}
dtypes |= {"float16": torch.float16, "bfloat16": torch.bfloat16}


def synchronize():
    if device.type == "cuda":
        torch.cuda.synchronize()


def measure(work):
    synchronize()
    began = time.perf_counter()
    output = work()
    synchronize()
    return 1000 * (time.perf_counter() - began), output


def open_matrix():
    def handle(_):
        side = 8192 if device.type == "cuda" else 512
        a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
        times = [measure(lambda: a @ b)[0] for _ in range(25)]
        seconds = statistics.median(times[5:]) / 1000
        return {"side": side, "perSecond": 2 * side**3 / seconds}

    return {}, handle


def open_network():
    from generated_checkpoint import fill
    from reference_resnet import resnet

    architecture, input_path, dtype_name = rest
    dtype = dtypes[dtype_name]
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = dtype_name == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = dtype_name == "tf32"
    torch.set_grad_enabled(False)
    layout = torch.channels_last
    model = fill(resnet(architecture)).eval().to(device, dtype, memory_format=layout)
    # Compiles each batch size separately.
    forward = model if kind == "eager" else torch.compile(model, mode=kind, dynamic=False)
    images = torch.from_numpy(np.fromfile(input_path, np.float32).reshape(-1, 3, 224, 224))
    inputs = {}

    def input_of(batch):
        if batch not in inputs:
            inputs.clear()
            rows = torch.arange(batch) % len(images)
            inputs[batch] = images[rows].to(device, dtype).contiguous(memory_format=layout)
        return inputs[batch]

    def handle(request):
        batch = input_of(request["batch"])
        milliseconds = []
        for _ in range(request["runs"]):
            duration, output = measure(lambda: forward(batch))
            milliseconds.append(duration)
        logits = output.float().cpu().ravel().tolist() if request.get("logits") else None
        return {"milliseconds": milliseconds} | ({} if logits is None else {"logits": logits})

    return {}, handle


serve(open_matrix if kind == "matrix" else open_network)
