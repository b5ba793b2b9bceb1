"""The contenders of rate.mjs that measure the rate of the fastest single convolution.

    python contender_rate.py onednn|onnxruntime BATCH THREADS

Times each convolution shape of ResNet-50, with bias and ReLU. The response is the rate of the fastest one
in GFLOP/s.
"""

import sys
import time
from statistics import median

import numpy as np
from serve import serve

kind, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

# Input channels, output channels, kernel size, stride, input height and width.
SHAPES = [
    (3, 64, 7, 2, 224),
    *[(64, 64, 1, 1, 56), (64, 64, 3, 1, 56), (64, 256, 1, 1, 56), (256, 64, 1, 1, 56)],
    *[(256, 128, 1, 1, 56), (128, 128, 3, 2, 56), (256, 512, 1, 2, 56)],
    *[(128, 128, 3, 1, 28), (128, 512, 1, 1, 28), (512, 128, 1, 1, 28)],
    *[(512, 256, 1, 1, 28), (256, 256, 3, 2, 28), (512, 1024, 1, 2, 28)],
    *[(256, 256, 3, 1, 14), (256, 1024, 1, 1, 14), (1024, 256, 1, 1, 14)],
    *[(1024, 512, 1, 1, 14), (512, 512, 3, 2, 14), (1024, 2048, 1, 2, 14)],
    *[(512, 512, 3, 1, 7), (512, 2048, 1, 1, 7), (2048, 512, 1, 1, 7)],
]


def flops(inputs, outputs, kernel, stride, side):
    """FLOPs of one image, without those on zero padding."""
    taps = sum(
        0 <= x + tap - kernel // 2 < side for x in range(0, side, stride) for tap in range(kernel)
    )
    return 2 * taps**2 * inputs * outputs


def random(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def onednn(inputs, outputs, kernel, stride, side):
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    x = torch.from_numpy(random(batch, inputs, side, side)).contiguous(memory_format=torch.channels_last)
    weight = torch.from_numpy(random(outputs, inputs, kernel, kernel))
    bias = torch.zeros(outputs)
    geometry = [kernel // 2] * 2, [stride] * 2, [1, 1], 1
    packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *geometry, list(x.shape))
    call = torch.ops.mkldnn._convolution_pointwise
    return lambda: call(x, packed, bias, *geometry, "relu", [], "")


def onnxruntime(inputs, outputs, kernel, stride, side):
    import onnxruntime as runtime
    from onnx import TensorProto, checker, helper, numpy_helper

    pads = [kernel // 2] * 4
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["y"], strides=[stride] * 2, pads=pads),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    weights = [
        numpy_helper.from_array(random(outputs, inputs, kernel, kernel), "w"),
        numpy_helper.from_array(np.zeros(outputs, np.float32), "b"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, inputs, side, side])
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", "c", "h", "w"])
    model = helper.make_model(
        helper.make_graph(nodes, "convolution", [x], [z], weights),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    checker.check_model(model)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(model.SerializeToString(), options)
    values = random(batch, inputs, side, side)
    return lambda: session.run(None, {"x": values})


def open():
    calls = []
    for shape in SHAPES:
        call = {"onednn": onednn, "onnxruntime": onnxruntime}[kind](*shape)
        calls.append((shape, batch * flops(*shape), call))

    def rate(count, call, runs):
        seconds = []
        for _ in range(runs + 1):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
        return count / median(seconds[1:]) / 1e9

    def handle(request):
        rates = {str(shape): rate(count, call, request["runs"]) for shape, count, call in calls}
        best = max(rates, key=rates.get)
        return {"shape": best, "rate": rates[best]}

    return {}, handle


serve(open)
