"""The reference of augmentations: torchvision on Pillow's images.

    python reference.py serve

responds to lines of JSON with lines of JSON: `augment` with the SHA-256 of a batch, `magnitudes` with RandAugment's
table. Requires torch (2.13 was used), torchvision 0.28, Pillow 13 and numpy.
"""

import base64
import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

if not hasattr(torch.ops.torchvision, "nms"):
    # torchvision registers functions for these operators, and cannot be imported if its library was compiled for another
    # build of PyTorch. The transforms need none of them.
    operators = torch.library.Library("torchvision", "DEF")
    for name in ["nms", "qnms"]:
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional as F
from torchvision.transforms import RandAugment, InterpolationMode

NORMALIZE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def crop(image, operation, size, interpolation):
    mode = InterpolationMode(interpolation)
    if "resize" in operation:
        return F.center_crop(F.resize(image, operation["resize"], mode), size)
    top, left, height, width = (operation[key] for key in ["top", "left", "height", "width"])
    if operation.get("paddingMode") != "reflect":
        return F.resized_crop(image, top, left, height, width, [size, size], mode)
    right = max(left + width - image.width, 0)
    bottom = max(top + height - image.height, 0)
    padding = [max(-left, 0), max(-top, 0), right, bottom]
    image = F.pad(image, padding, padding_mode="reflect")
    return F.resized_crop(image, top + padding[1], left + padding[0], height, width, [size, size], mode)


def shear(image, x, y):
    degrees = [math.degrees(math.atan(slope)) for slope in [x, y]]
    return F.affine(image, 0.0, [0, 0], 1.0, degrees, center=[0, 0])


def translate(image, x, y):
    return F.affine(image, 0.0, [x, y], 1.0, [0.0, 0.0])


OPERATIONS = {
    "hflip": F.hflip,
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "sharpness": F.adjust_sharpness,
    "hue": F.adjust_hue,
    "shearX": lambda image, value: shear(image, value, 0.0),
    "shearY": lambda image, value: shear(image, 0.0, value),
    "translateX": lambda image, value: translate(image, value, 0),
    "translateY": lambda image, value: translate(image, 0, value),
    "rotate": F.rotate,
    "posterize": F.posterize,
    "solarize": F.solarize,
    "autocontrast": F.autocontrast,
    "equalize": F.equalize,
}


def augment(image, operations, size, interpolation="bilinear"):
    first, *others = operations
    image = crop(image.convert("RGB"), first, size, interpolation)
    for operation in others:
        image = OPERATIONS[operation["name"]](image, *[operation[key] for key in ["value"] if key in operation])
    return NORMALIZE(F.to_tensor(image))


def sha256(tensors):
    return hashlib.sha256(torch.stack(tensors).numpy().tobytes()).hexdigest()


def image_of(source):
    """An image from a file, or from { data: Base64, width, height, channels }."""
    if isinstance(source, str):
        return Image.open(source)
    size = (source["width"], source["height"])
    mode = "CMYK" if source.get("cmyk") else MODES[source["channels"]]
    return Image.frombytes(mode, size, base64.b64decode(source["data"]))


def respond(name, *values):
    if name == "augment":
        sources, operations, size, interpolation = values
        pairs = zip(sources, operations)
        return sha256([augment(image_of(one), each, size, interpolation) for one, each in pairs])
    if name == "magnitudes":
        bins, magnitude, width, height = values
        space = RandAugment()._augmentation_space(bins, (height, width))
        return {
            key: [float(table[magnitude] if table.ndim > 0 else 0.0), signed]
            for key, (table, signed) in space.items()
        }
    raise ValueError(name)


if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    for line in sys.stdin:
        print(json.dumps(respond(*json.loads(line))), flush=True)
