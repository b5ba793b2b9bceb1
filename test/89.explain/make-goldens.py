"""
Writes goldens.json: Grad-CAM by hooks (Selvaraju et al. 2017) of the baseline's most probable class, for five photos.

    python3 make-goldens.py resnet50_baseline.pt ../shared/images

where `semisup export resnet50_baseline -o resnet50_baseline.pt` writes the first file. Requires torch, numpy and
pillow. The goldens were computed with 2.13.0 (CPU), 2.x and 13.x.
"""

import json
import sys
from pathlib import Path

import torch

here = Path(__file__).parent
sys.path.insert(0, str(here.parent / "support"))
from reference_resnet import photo, resnet  # noqa: E402

PHOTOS = [
    "n02391049_zebra.JPEG",
    "n03759954_microphone.JPEG",
    "n03485407_hand-held_computer.JPEG",
    "n02165105_tiger_beetle.JPEG",
    "n01440764_tench.JPEG",
]
LAYERS = ["layer4", "layer3", "layer2.1"]


def grad_cam(model, images, layer):
    """The class with the largest logit, and the map before it is scaled."""
    kept = {}

    def keep(module, inputs, output):
        kept["activations"] = output
        output.register_hook(lambda gradients: kept.update(gradients=gradients))

    handle = model.get_submodule(layer).register_forward_hook(keep)
    logits = model(images)[0]
    handle.remove()
    index = int(logits.argmax())
    logits[index].backward()
    weights = kept["gradients"].mean(dim=(2, 3), keepdim=True)
    return index, logits, torch.relu((weights * kept["activations"]).sum(1))[0].detach()


def golden(model, path):
    images = photo(path)
    maps = {}
    for layer in LAYERS:
        index, logits, map = grad_cam(model, images, layer)
        maps[layer] = {
            "size": list(map.shape),
            "max": map.max().item(),
            "data": [round(value, 5) for value in (map / map.max()).flatten().tolist()],
        }
    return {"class": index, "score": logits.softmax(0)[index].item(), "layers": maps}


if __name__ == "__main__":
    weights, photos = sys.argv[1:]
    model = resnet("resnet50_v1")
    model.load_state_dict(torch.jit.load(weights).state_dict())
    goldens = {name: golden(model, Path(photos) / name) for name in PHOTOS}
    (here / "goldens.json").write_text(json.dumps(goldens) + "\n")
