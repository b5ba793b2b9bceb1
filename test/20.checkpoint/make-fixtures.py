"""Writes fixtures/ and expected.json, the contents of the fixtures as PyTorch reads them.

Requires torch 2.13 and safetensors:  python make-fixtures.py
"""

import json
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

FIXTURES = Path(__file__).parent / "fixtures"


def tensors_of_each_dtype():
    signed = torch.tensor([[0, 1.5, -2], [3, 100, -0.125]])
    names = "float32 float64 float16 bfloat16 int8 int16 int32 int64".split()
    tensors = {name: signed.to(getattr(torch, name)) for name in names}
    return {**tensors, "uint8": signed.abs().to(torch.uint8), "bool": signed > 1}


def views():
    base = torch.arange(24, dtype=torch.float32)
    pixels = torch.arange(48.0).view(2, 3, 2, 4)
    tied = torch.arange(3, dtype=torch.int64) - 1
    return OrderedDict(
        transposed=torch.arange(6.0).view(2, 3).t(),
        channels_last=pixels.contiguous(memory_format=torch.channels_last),
        slice=base[5:9],
        column=base.view(4, 6)[1:, 2],
        strided=base[1::5],
        expanded=torch.tensor([7.0]).expand(2, 3),
        tied_a=tied,
        tied_b=tied,
        parameter=torch.nn.Parameter(torch.tensor([0.5, -0.5])),
        parameter_of_view=torch.nn.Parameter(base[20:24].view(2, 2).t()),
        empty=torch.zeros(0, 3),
        empty_slice=base[3:3],
        scalar=torch.tensor(2.5),
    )


def module():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2))
    net(torch.randn(2, 3, 4, 4))
    return net.state_dict()


def wrapped_state(state):
    parallel = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    return {"epoch": 3, "state_dict": parallel, "optimizer": {"momentum": [torch.ones(2)]}}


def plain_data():
    return {
        "none": None,
        "numbers": [True, False, -1, 255, 65535, -70000, 2**40, -(2**70), 0.1],
        "text": ["", "é" * 300],
        "bytes": [b"", b"x" * 300, bytearray(b"y")],
        "sets": [set(), {1, 2}, frozenset([3])],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "torch": [torch.float16, torch.Size([2, 3]), torch.zeros(2).untyped_storage()],
        "__proto__": {"polluted": True},
    }


def describe(tensor):
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "values": tensor.detach().flatten().tolist(),
    }


def main():
    torch.manual_seed(0)
    FIXTURES.mkdir(exist_ok=True)
    states = {
        "tensors": {**tensors_of_each_dtype(), **views()},
        "module": module(),
        "contiguous": {
            **tensors_of_each_dtype(),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
        },
    }

    for file_format, is_zip in (("zip", True), ("legacy", False)):

        def save(value, name, protocol=2):
            torch.save(
                value,
                FIXTURES / f"{name}.{file_format}.pth",
                pickle_protocol=protocol,
                _use_new_zipfile_serialization=is_zip,
            )

        for protocol in (2, 3, 4, 5):
            save(states["tensors"], f"tensors-{protocol}", protocol)
        save(states["module"], "module")
        save(wrapped_state(states["module"]), "wrapped")
        save({**plain_data(), "model": states["module"]}, "plain-data", 5)

    # The legacy format would contain PyTorch's source and local paths.
    torch.save(torch.nn.Linear(2, 2), FIXTURES / "whole-module.zip.pth")
    save_file(states["contiguous"], FIXTURES / "plain.safetensors", metadata={"format": "pt"})

    expected = {
        state: {name: describe(tensor) for name, tensor in tensors.items()}
        for state, tensors in states.items()
    }
    (FIXTURES / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
