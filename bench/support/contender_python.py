"""The contenders of cpu.mjs that run in Python.

    python contender_python.py KIND ARCHITECTURE MODEL INPUT THREADS

KIND is eager, compile, script, onnxruntime, openvino, openvino-bfloat16 or openvino-int8. MODEL is a TorchScript file for
`script` and an ONNX file for `onnxruntime` and `openvino`; the others ignore it.
"""

import sys
import time
from pathlib import Path

import numpy as np
from serve import serve

sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "support"))
kind, architecture, path, input_path, threads = sys.argv[1:]


def read_input():
    return np.fromfile(input_path, np.float32).reshape(-1, 3, 224, 224)


def eager():
    import torch
    from generated_checkpoint import fill
    from reference_resnet import resnet

    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    model = fill(resnet(architecture))
    return lambda x: model(torch.from_numpy(x)).numpy()


def compiled():
    import torch
    from generated_checkpoint import fill
    from reference_resnet import resnet

    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    # Makes weights constants: otherwise `torch.compile` is much slower on a CPU.
    torch._inductor.config.freezing = True
    model = torch.compile(fill(resnet(architecture)), dynamic=False)
    return lambda x: model(torch.from_numpy(x)).numpy()


def script():
    import torch

    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    model = torch.jit.load(path).eval()
    return lambda x: model(torch.from_numpy(x)).numpy()


def onnxruntime():
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    options.inter_op_num_threads = 1
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def quantize(model):
    import nncf

    # Calibrated with the images of the benchmark, as semisup with synthetic ones: speed is the same for any.
    return nncf.quantize(model, nncf.Dataset([image[None] for image in read_input()]))


def openvino(precision="f32", prepare=lambda model: model):
    import openvino

    core = openvino.Core()
    prepared = prepare(core.read_model(path))
    settings = {
        "INFERENCE_NUM_THREADS": int(threads),
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
    }
    by_batch = {}

    def forward(x):
        # A model of a fixed shape is the faster one.
        if len(x) not in by_batch:
            model = prepared.clone()
            model.reshape(list(x.shape))
            by_batch[len(x)] = core.compile_model(model, "CPU", settings)
        return by_batch[len(x)](x)[0]

    return forward


def open():
    kinds = {
        "eager": eager,
        "compile": compiled,
        "script": script,
        "onnxruntime": onnxruntime,
        "openvino": openvino,
        "openvino-bfloat16": lambda: openvino("bf16"),
        "openvino-int8": lambda: openvino(prepare=quantize),
    }
    forward = kinds[kind]()
    values = read_input()
    forward(values[:1])

    def handle(request):
        batch = values[: request["batch"]]
        milliseconds = []
        for _ in range(request["runs"]):
            began = time.perf_counter()
            output = forward(batch)
            milliseconds.append(1000 * (time.perf_counter() - began))
        logits = {"logits": output.ravel().tolist()} if request.get("logits") else {}
        return {"milliseconds": milliseconds, **logits}

    return {}, handle


serve(open)
