"""Serves the calls of 80.python.ts: reads lines of JSON, [function, arguments...], and writes a line with each result."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from generated_checkpoint import range_of  # noqa: E402
from reference_resnet import photo, resnet  # noqa: E402


def make(architecture, directory, image):
    """Saves a random checkpoint in three formats, and returns the logits of an image."""
    torch.manual_seed(1)
    model = resnet(architecture)
    state = model.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(7)
        else:
            center, spread = range_of(name, tuple(tensor.shape), model)
            tensor.uniform_(center - spread, center + spread)
    torch.save(state, f"{directory}/zip.pth")
    torch.save(state, f"{directory}/legacy.pth", _use_new_zipfile_serialization=False)
    save_file(state, f"{directory}/model.safetensors")
    with torch.no_grad():
        return model(photo(image))[0].tolist()


def load(path, image):
    """Loads an exported file with torch.jit.load, and returns its properties and its logits of an image."""
    extra = {"semisup.json": ""}
    module = torch.jit.load(path, _extra_files=extra)
    with torch.no_grad():
        logits = module(photo(image))[0].tolist()
        from_features = module.fc(module.features(photo(image)))[0].tolist()
    return {
        "names": list(module.state_dict()),
        "shapes": [list(tensor.shape) for tensor in module.state_dict().values()],
        "training": module.training,
        "metadata": json.loads(extra["semisup.json"]),
        "logits": logits,
        "logits_of_features": from_features,
    }


def names(architecture):
    return list(resnet(architecture).state_dict())


def train(architecture, checkpoint, path):
    """Runs a step of SGD on both networks, and returns the largest difference, relative to each tensor's largest value."""
    before = torch.load(checkpoint)
    reference = resnet(architecture)
    reference.load_state_dict(before)
    torch.manual_seed(2)
    images, labels = torch.randn(4, 3, 64, 64), torch.tensor([1, 10, 100, 999])
    after = [step(network, images, labels) for network in (reference, torch.jit.load(path))]
    return {
        "unchanged": [name for name in before if torch.equal(before[name], after[1][name])],
        "difference": max(
            (
                (expected - actual).abs().max().item() / expected.abs().max().item()
                for expected, actual in zip(*(state.values() for state in after))
            )
        ),
    }


def step(network, images, labels):
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    torch.nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


for line in sys.stdin:
    function, *values = json.loads(line)
    print(json.dumps(globals()[function](*values)), flush=True)
