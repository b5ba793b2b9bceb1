"""Writes the files in fixtures/foreign/: models in other formats than TorchScript.

Requires torch 2.13, safetensors, onnx and h5py:  python make-foreign.py
"""

import io
import zipfile
from pathlib import Path

import h5py
import onnx
import torch
from safetensors.torch import save_file
from torch import nn
from torch.package import PackageExporter

FOREIGN = Path(__file__).parent / "fixtures" / "foreign"


def save_onnx(path, **kwargs):
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "net", [value], [])
    onnx.save(onnx.helper.make_model(graph, **kwargs), path)


def h5():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("model_weights")
    return buffer.getvalue()


def main():
    FOREIGN.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    module = nn.Linear(2, 1)
    state = module.state_dict()
    torch.save(state, FOREIGN / "state-dict.pth")
    torch.save(state, FOREIGN / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(module, FOREIGN / "pickled-module.pth")
    save_file(state, FOREIGN / "state-dict.safetensors")
    exported = torch.export.export(module, (torch.ones(1, 2),))
    for node in exported.graph.nodes:
        # It contains local paths.
        node.meta.pop("stack_trace", None)
    torch.export.save(exported, FOREIGN / "exported.pt2")
    with PackageExporter(str(FOREIGN / "package.pt")) as package:
        package.extern("torch.**")
        package.save_pickle("model", "model.pkl", module)
    save_onnx(FOREIGN / "producer.onnx", producer_name="test")
    save_onnx(FOREIGN / "anonymous.onnx")
    (FOREIGN / "keras.h5").write_bytes(h5())
    # What Keras 3 writes.
    with zipfile.ZipFile(FOREIGN / "model.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", h5())


if __name__ == "__main__":
    main()
