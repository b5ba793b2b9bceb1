"""
Makes the checkpoints of wrappings.json: a network in every container, under the prefixes, keys and next to the
objects with which training scripts save it.

    python3 make-wrappings.py

writes wrappings.tar.gz with the .pth files, and wrappings-logits.json, PyTorch's outputs for the generated
image. With the argument `serve` (see PythonServer), it makes one checkpoint per line, also as safetensors and TensorFlow.js.

All weights are overlapping views of one small storage, so that a .pth file has few kilobytes. Every value is
exact in bfloat16 and float16, so the logits do not depend on the dtype.

Requires torch 2.13, numpy and safetensors.
"""

import argparse
import collections
import dataclasses
import datetime
import enum
import functools
import io
import json
import os
import pathlib
import random
import sys
import tarfile
import tempfile
import types

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from generated_checkpoint import image, mix  # noqa: E402
from reference_resnet import resnet  # noqa: E402

GAMMAS, SMALL = 512, 512


class Mode(enum.Enum):
    TRAIN = 1


class Level(enum.IntEnum):
    HIGH = 2


@dataclasses.dataclass
class Config:
    lr: float = 0.1

    class Nested:
        pass


class Options(dict):
    __getattr__ = dict.get


class History(list):
    pass


Point = collections.namedtuple("Point", "x y")


class Call:
    """An object whose pickle calls a function."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 4, 7)


class Mask(torch.Tensor):
    pass


def weights(architecture, dtype=torch.float32, seed=0, num_classes=1000):
    """A state dict of views of one storage, whose activations neither explode nor vanish."""
    specs = resnet(architecture, num_classes).state_dict()
    signed = 1536 if architecture == "resnet18" else 3200
    random_bits = mix(np.arange(signed + GAMMAS + SMALL, dtype=np.uint32) + np.uint32(seed * 2**20))
    values = ((random_bits % 255).astype(np.float64) - 127) / 128
    values[signed : signed + GAMMAS] = (64 + random_bits[signed : signed + GAMMAS] % 64) / 128
    values[signed + GAMMAS :] /= 8
    fan_ins = sorted({spec[0].numel() for spec in specs.values() if spec.dim() == 4})
    storage = torch.tensor([*values, *(fan_in / 4 for fan_in in fan_ins)]).to(dtype)
    batches = torch.tensor(7)

    def vector(length, start, size):
        # A vector that is longer than its section repeats one value.
        stride = 1 if length <= size else 0
        return storage.as_strided((length,), (stride,), start)

    state, fan_in = collections.OrderedDict(), None
    for index, (name, spec) in enumerate(specs.items()):
        shape = tuple(spec.shape)
        if name.endswith("num_batches_tracked"):
            state[name] = batches
        elif len(shape) >= 2:
            strides = (1, 1, 11, 3)[: len(shape)]
            extent = sum((side - 1) * stride for side, stride in zip(shape, strides)) + 1
            state[name] = storage.as_strided(shape, strides, 37 * index % (signed - extent + 1))
            fan_in = spec[0].numel()
        elif name.endswith("running_var"):
            at = signed + GAMMAS + SMALL + fan_ins.index(fan_in)
            state[name] = storage.as_strided(shape, (0,), at)
        elif name.endswith("weight"):
            state[name] = vector(shape[0], signed, GAMMAS)
        else:
            state[name] = vector(shape[0], signed + GAMMAS, SMALL)
    return state


def with_head(state, head):
    """Replaces fc by what a training script may have put there."""
    weight, bias = state.pop("fc.weight"), state.pop("fc.bias")
    match head:
        case "imagenet":
            state.update({"fc.weight": weight, "fc.bias": bias})
        case "seven":
            state.update({"fc.weight": weight[:7], "fc.bias": bias[:7]})
        case "sequential":
            state.update({"fc.1.weight": weight[:7], "fc.1.bias": bias[:7]})
        case "mlp":
            state.update({"fc.0.weight": weight[:64], "fc.0.bias": bias[:64]})
            state.update({"fc.2.weight": weight[:7, :64], "fc.2.bias": bias[:7]})
        case "wide":
            state.update({"fc.weight": weight[:7].repeat(1, 2), "fc.bias": bias[:7]})
        case "biasless":
            state["fc.weight"] = weight
    outside = {"classifier.weight": weight[:7], "classifier.bias": bias[:7]}
    return outside if head == "classifier" else {}


def companions(kind, state):
    """What a training script saves next to the weights."""
    momentum = {i: {"momentum_buffer": tensor} for i, tensor in enumerate(state.values())}
    groups = [{"lr": 0.1, "momentum": 0.9, "params": list(momentum)}]
    args = argparse.Namespace(lr=0.1, output=pathlib.PurePosixPath("runs/1"), workers=4, amp=None)
    match kind:
        case "timm":
            args.model = "resnet18"
            return {
                "epoch": 3,
                "arch": "resnet18",
                "optimizer": {"state": momentum, "param_groups": groups},
                "version": 2,
                "args": args,
                "amp_scaler": {"scale": 65536.0, "_growth_tracker": 0},
                "metric": np.float64(81.2),
            }
        case "torchvision":
            return {
                "optimizer": {"state": momentum, "param_groups": groups},
                "lr_scheduler": {"base_lrs": [np.float64(0.1)], "last_epoch": np.int64(3)},
                "epoch": 3,
                "args": args,
            }
        case "averaged":
            return {}
        case "lightning":
            callbacks = {"ModelCheckpoint{'monitor': 'val_loss'}": {"best": torch.tensor(0.5)}}
            parameters = Options(lr=0.1, arch="resnet18")
            return {"callbacks": callbacks, "hyper_parameters": parameters, "loops": {}}
        case "numpy":
            return {
                "scalars": [np.float32(1), np.float64(2), np.int64(3), np.bool_(True), np.str_("x")],
                "array": np.arange(6.0).reshape(2, 3),
                "strings": np.array(["a", "b"]),
                "objects": np.array([None, "a"], dtype=object),
                "random": np.random.RandomState(0).get_state(),
                "dtype": np.dtype("float32"),
            }
        case "objects":
            return {
                "time": [datetime.datetime(2024, 1, 2), datetime.date(2024, 1, 2)],
                "zone": [datetime.timedelta(1), datetime.timezone.utc],
                "paths": [pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("c:\\d")],
                "enums": [Mode.TRAIN, Level.HIGH],
                "dicts": [collections.defaultdict(list, {1: [2]}), collections.Counter("ab")],
                "deque": collections.deque([1, 2], maxlen=3),
                "namespaces": [types.SimpleNamespace(a=1), Config(), Options(a=1)],
                "history": History([1, 2]),
                "point": Point(1, 2),
                "numbers": [1j, slice(1, 2), range(3), 2**80, float("nan")],
                "collections": [{1, 2}, frozenset([3]), bytearray(b"x"), b"y", ()],
                "torch": [torch.device("cpu"), torch.float16, torch.Size([2])],
                "classes": [torch.optim.SGD, Config, Config.Nested(), dict],
                "function": functools.partial(torch.optim.SGD, lr=0.1),
                "error": [ValueError("x"), NotImplemented, ...],
            }
        case "optimizer":
            parameter = torch.nn.Parameter(torch.ones(3))
            optimizer = torch.optim.Adam([parameter])
            parameter.sum().backward()
            optimizer.step()
            return {
                "optimizer": optimizer.state_dict(),
                "random": [random.getstate(), torch.get_rng_state()],
                "scaler": torch.amp.GradScaler("cpu", enabled=False).state_dict(),
            }
        case "tensors":
            attributed = torch.ones(2)
            attributed.tag = "x"
            return {
                "complex": {"w": torch.ones(2, dtype=torch.complex64)},
                "double": {"w": torch.ones(2, dtype=torch.complex128)},
                "sparse": {"w": torch.eye(2).to_sparse()},
                "subclass": {"w": torch.ones(2).as_subclass(Mask), "v": attributed},
                "meta": {"w": torch.ones(2, device="meta")},
                "small": {"w": torch.ones(2).to(torch.float8_e4m3fn), "v": torch.ones(2).to(torch.uint16)},
            }
        case "os.system":
            return {"config": {"on_load": Call(os.system, "exit 1")}}
        case "eval":
            return {"config": [Call(eval, "exit(1)")]}


def shaped(shape, state, row):
    """The saved object, if it is not a dictionary of state dicts."""
    first, *_ = state
    match shape:
        case "tuple":
            return state, 3
        case "flat":
            extra = [companions(kind, state) for kind in row["companions"]]
            return dict(collections.ChainMap(state, *extra))
        case "module":
            return {"model": Network(), "optimizer": companions("timm", state)["optimizer"]}
        case "whole":
            return Network()
        case "arrays":
            return {name: np.zeros(2) for name in state}
        case "sparse":
            return {**state, "layer4.1.conv2.weight": torch.eye(2).to_sparse()}
        case "mixed":
            moved = [name for name in state if ".layer4." in name]
            renamed = {name: name.replace("module.", "module.encoder.") for name in moved}
            return {renamed.get(name, name): tensor for name, tensor in state.items()}
        case "numbered":
            numbers = {"conv1": "0", "bn1": "1"} | {f"layer{i}": str(i + 3) for i in range(1, 5)}
            parts = [name.split(".", 1) for name in state]
            return {f"{numbers.get(a, 'fc')}.{b}": state[f"{a}.{b}"] for a, b in parts}


def checkpoint(row):
    """The object of a row, to be saved."""
    architecture, dtype = row.get("architecture", "resnet18"), getattr(torch, row.get("dtype", "float32"))
    prefix = row.get("prefix", "")

    def network(prefix, seed):
        state = weights(architecture, dtype, seed)
        outside = with_head(state, row.get("head", "imagenet"))
        if row.get("wrapped"):
            state = {wrap(name): tensor for name, tensor in state.items()}
        if row.get("parameters"):
            state = {name: attributed(tensor) for name, tensor in state.items()}
        return {**{prefix + name: tensor for name, tensor in state.items()}, **outside}

    state = network(prefix, 0)
    if "shape" in row:
        return shaped(row["shape"], state, row)
    if "flat" in row:
        state |= network(row["flat"], 1)
    saved = {}
    for key, value in row.get("strings", {}).items():
        if key.startswith("args."):
            saved["args"] = argparse.Namespace(**{key.removeprefix("args."): value})
        elif row.get("container") != "safetensors":
            saved[key] = value
    if "key" not in row:
        return state
    for kind in row.get("companions", []):
        saved |= companions(kind, weights(architecture, dtype))
    nested = state
    for key in reversed(row["key"]):
        nested = {key: nested}
    saved |= nested
    for key, prefix in row.get("also", {}).items():
        averaged = {"n_averaged": torch.tensor(3)} if "averaged" in row.get("companions", []) else {}
        saved[key] = averaged | network(prefix, 1)
    return saved


def wrap(name):
    """The name if torch.compile wraps a stage, and checkpointing a block of another one."""
    name = name.replace("layer1.", "layer1._orig_mod.", 1)
    return name.replace("layer2.0.", "layer2.0._checkpoint_wrapped_module.", 1)


def attributed(tensor):
    if not tensor.is_floating_point():
        return tensor
    parameter = torch.nn.Parameter(tensor)
    parameter.no_weight_decay = True
    return parameter


def file_name(row):
    names = {"zip": "pth", "legacy": "pth", "safetensors": "safetensors", "tfjs": "json"}
    slug = "".join(c if c.isalnum() else "-" for c in row["name"])
    return f"{slug}.{names[row.get('container', 'zip')]}"


def make(row, directory):
    """Saves the checkpoint of a row, and returns its path."""
    path = pathlib.Path(directory) / file_name(row)
    saved = checkpoint(row)
    match row.get("container", "zip"):
        case "safetensors":
            tensors = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in saved.items()}
            save_file(tensors, path, metadata={"format": "pt", **row.get("strings", {})})
        case "tfjs":
            save_tfjs(saved, path)
        case container:
            buffer = io.BytesIO()
            zipped = container == "zip"
            protocol = row.get("protocol", 2)
            torch.save(saved, buffer, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
            path.write_bytes(buffer.getvalue())
    return str(path)


def save_tfjs(state, path):
    shard = path.with_suffix(".bin")
    described = []
    with open(shard, "wb") as file:
        for name, tensor in state.items():
            if tensor.is_floating_point():
                described.append({"name": name, "shape": list(tensor.shape), "dtype": "float32"})
                file.write(tensor.float().numpy().tobytes())
    manifest = [{"paths": [shard.name], "weights": described}]
    path.write_text(json.dumps({"weightsManifest": manifest}))


@torch.no_grad()
def outputs():
    """PyTorch's outputs of every network, by the name in wrappings.json."""

    def model(architecture, seed=0):
        network = resnet(architecture)
        network.load_state_dict(weights(architecture, seed=seed))
        return network

    x = image()
    plain = model("resnet18")
    logits = {
        "resnet18": plain(x),
        "ema": model("resnet18", 1)(x),
        "seven": plain(x)[:, :7],
        "features": plain.features(x),
        "resnet50": model("resnet50")(x),
        "resnet50_v1": model("resnet50_v1")(x),
    }
    return {name: [float(f"{value:.6g}") for value in output[0]] for name, output in logits.items()}


def anonymous(member):
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def is_committed(row):
    return row.get("container", "zip") in ("zip", "legacy")


def main():
    rows = json.loads((HERE / "wrappings.json").read_text())
    (HERE / "wrappings-logits.json").write_text(json.dumps(outputs()) + "\n")
    with tempfile.TemporaryDirectory() as directory:
        with tarfile.open(HERE / "wrappings.tar.gz", "w:gz", compresslevel=9) as archive:
            for row in filter(is_committed, rows):
                archive.add(make(row, directory), file_name(row), filter=anonymous)


if __name__ == "__main__" and len(sys.argv) > 1:
    for line in sys.stdin:
        function, *values = json.loads(line)
        print(json.dumps(globals()[function](*values)), flush=True)
elif __name__ == "__main__":
    main()
