"""Writes the network of make-model.ts with the same weights as an ONNX file.

    python bench/support/make_onnx.py FOLDER ARCHITECTURE
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "support"))
from generated_checkpoint import fill  # noqa: E402
from reference_resnet import resnet  # noqa: E402

folder, architecture = sys.argv[1:]
torch.onnx.export(
    fill(resnet(architecture)),
    torch.zeros(1, 3, 224, 224),
    str(Path(folder) / f"{architecture}.onnx"),
    dynamo=False,
    opset_version=17,
    input_names=["x"],
    output_names=["y"],
    dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
)
