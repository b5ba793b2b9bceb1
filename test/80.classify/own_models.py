"""Serves the calls of 60.own-models.ts: reads lines of JSON, [function, arguments...], and writes a line with each result."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from generated_checkpoint import range_of  # noqa: E402
from reference_resnet import resnet  # noqa: E402

CLASSES = ["ant", "bee", "cat", "dog", "eel"]


class Wrapper(nn.Module):
    """Like a model of timm: a backbone and a head, called through `forward_features`."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(512, len(CLASSES))

    def forward_features(self, x):
        return self.backbone.features(x)

    def forward_head(self, x):
        return self.head(x)

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


class Pair(nn.Module):
    """Not a classifier: returns a tuple."""

    def forward(self, x):
        return x.mean(dim=[2, 3]), x


class InPlace(nn.Module):
    """Modifies the output of a layer, and has an argument with a default."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2)
        self.fc = nn.Linear(8, len(CLASSES))

    def forward(self, x, scale: float = 2.0):
        x = self.conv(x)
        x.relu_()
        return self.fc(x.mean(dim=[2, 3])) * scale


def grad_cam(model, layer, images):
    kept = {}

    def keep(module, inputs, output):
        output.retain_grad()
        kept["activations"] = output
        return output.clone()

    handle = layer.register_forward_hook(keep)
    model(images).max().backward()
    handle.remove()
    activations = kept["activations"]
    map = (activations.grad.mean(dim=(2, 3), keepdim=True) * activations).sum(1).relu()[0]
    return (map / map.max()).flatten().tolist()


def random_resnet18():
    torch.manual_seed(3)
    model = resnet("resnet18", num_classes=len(CLASSES))
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            center, spread = range_of(name, tuple(tensor.shape), model)
            tensor.uniform_(center - spread, center + spread)
    return model


def preprocess(path, transform):
    """Resize, CenterCrop, ToTensor and Normalize, as torchvision and timm compute them for an image."""
    image = Image.open(path).convert("RGB")
    resize, crop = transform["resize"], transform["crop"]
    short = min(image.size)
    size = tuple(resize if side == short else int(resize * side / short) for side in image.size)
    image = image.resize(size, Image.Resampling[transform["interpolation"].upper()])
    left, top = round((size[0] - crop) / 2), round((size[1] - crop) / 2)
    image = image.crop((left, top, left + crop, top + crop))
    levels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255)
    mean, std = (torch.tensor(transform[name])[:, None, None] for name in ("mean", "std"))
    return ((levels - mean) / std)[None].contiguous()


def make(directory, image, transforms):
    """Saves TorchScript files, and returns the top five of each for an image."""
    model = random_resnet18()
    with torch.no_grad():
        example = torch.zeros(1, 3, 224, 224)
        traced = torch.jit.trace(model, example)
        training = torch.jit.script(random_resnet18().train())
        wrapper = torch.jit.script(Wrapper(random_resnet18()).eval())
    metadata = {"format": 1, "name": "insects", "labels": CLASSES, "transform": transforms["own"]}
    scripted = torch.jit.script(model)
    scripted.save(f"{directory}/scripted.pt")
    traced.save(f"{directory}/traced.pt")
    training.save(f"{directory}/training.pt")
    wrapper.save(f"{directory}/wrapper.pt")
    torch.jit.script(Pair()).save(f"{directory}/pair.pt")
    in_place = InPlace().eval()
    torch.jit.script(in_place).save(f"{directory}/in-place.pt")
    extra = {"semisup.json": json.dumps(metadata)}
    torch.jit.save(wrapper, f"{directory}/with-metadata.pt", _extra_files=extra)
    results = {}
    for file, module, name in [
        ("scripted.pt", model, "torchvision"),
        ("traced.pt", model, "torchvision"),
        ("training.pt", model, "torchvision"),
        ("wrapper.pt", wrapper, "own"),
        ("with-metadata.pt", wrapper, "own"),
    ]:
        pixels = preprocess(image, transforms[name])
        with torch.no_grad():
            scores, indices = module(pixels).softmax(1)[0].topk(5)
        results[file] = {
            "pixels": hashlib.sha256(pixels.numpy().tobytes()).hexdigest(),
            "labels": [CLASSES[i] for i in indices.tolist()],
            "scores": scores.tolist(),
        }
    results["map"] = grad_cam(in_place, in_place.conv, preprocess(image, transforms["own"]))
    return results


for line in sys.stdin:
    name, *values = json.loads(line)
    print(json.dumps(globals()[name](*values)), flush=True)
