"""The contender of start.mjs that runs Pillow and OpenVINO.

    python start_openvino.py IMAGE THREADS MODEL.onnx...
"""

import json
import sys


def memory():
    fields = {}
    with open("/proc/self/smaps_rollup") as file:
        for line in file.readlines()[1:]:
            name, kib = line.split()[:2]
            fields[name.rstrip(":")] = int(kib) / 1024
    return {"private": fields["Private_Dirty"], "pss": fields["Pss"], "resident": fields["Rss"]}


before = memory()
image, threads, *paths = sys.argv[1:]

import numpy as np  # noqa: E402
import openvino  # noqa: E402
from PIL import Image  # noqa: E402

core = openvino.Core()
settings = {"INFERENCE_NUM_THREADS": int(threads), "PERFORMANCE_HINT": "LATENCY"}
models = []


def prepare(path):
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    scale = 256 / min(width, height)
    picture = picture.resize((round(width * scale), round(height * scale)), Image.BILINEAR)
    left, top = (picture.width - 224) // 2, (picture.height - 224) // 2
    pixels = np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32) / 255
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1)[None])


for path in paths:
    model = core.read_model(path)
    model.reshape([1, 3, 224, 224])
    models.append(core.compile_model(model, "CPU", settings))
    index = int(models[-1](prepare(image))[0].argmax())
    gained = {name: value - before[name] for name, value in memory().items()}
    print(json.dumps({"index": index, **gained}), flush=True)
    sys.stdin.readline()
