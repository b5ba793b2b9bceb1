"""
Writes goldens.json: PyTorch's outputs with the generated checkpoint for a generated image and, if
the directory of photos is passed, for one of them, decoded by Pillow.

    python3 make-goldens.py [directory of photos]

Requires torch, numpy and pillow. The goldens were computed with 2.13.0 (CPU), 2.x and 13.x.
"""

import hashlib
import json
import sys
from pathlib import Path

import torch

here = Path(__file__).parent
sys.path.insert(0, str(here.parent / "support"))
from generated_checkpoint import fill, image  # noqa: E402
from reference_resnet import ARCHITECTURES, photo, resnet  # noqa: E402

PHOTO = "n02391049_zebra.JPEG"


def summary(values, every=64):
    return {
        "every": every,
        "values": values[::every].tolist(),
        "largest": values.abs().max().item(),
        "sum": values.double().sum().item(),
    }


def feature_map(values):
    # Odd, so that all columns are sampled.
    return {"shape": list(values.shape), **summary(values.flatten(), values.numel() // 50 | 1)}


@torch.no_grad()
def golden(model, inputs):
    names = "\n".join(model.state_dict())
    return {
        "parameters": sum(tensor.numel() for tensor in model.parameters()),
        "names": hashlib.sha256(names.encode()).hexdigest(),
        "features": summary(model.features(inputs["image"])[0]),
        "pyramid": [feature_map(one[0]) for one in model.pyramid(inputs["image"])],
        "logits": {key: summary(model(x)[0]) for key, x in inputs.items()},
    }


inputs = {"image": image()}
if len(sys.argv) > 1:
    inputs["photo"] = photo(Path(sys.argv[1]) / PHOTO)
goldens = {name: golden(fill(resnet(name)), inputs) for name in ARCHITECTURES}
text = json.dumps({"photo": PHOTO, "architectures": goldens}, indent=1)
(here / "goldens.json").write_text(text + "\n")
