"""Writes views.json: the SHA-256 of the tensors of all views, by torchvision on Pillow's images.

    python make-views.py DIRECTORY-OF-PHOTOS

Requires torch (2.13 was used), torchvision 0.28, Pillow 13 and numpy. The values are float32 in the
order [view, channel, row, column]. `flip` is the center crop and its mirror image.
"""

import hashlib
import json
import math
import runpy
import sys
from pathlib import Path

import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional

HERE = Path(__file__).parent
noise = runpy.run_path(str(HERE / "make-goldens.py"))["noise"]
NORMALIZE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
INTERPOLATIONS = {
    "bilinear": transforms.InterpolationMode.BILINEAR,
    "bicubic": transforms.InterpolationMode.BICUBIC,
}


def center_and_mirror(crop):
    def views(image):
        center = functional.center_crop(image, crop)
        return [center, functional.hflip(center)]

    return views


def describe(image, size, crop, interpolation="bilinear"):
    resize = math.floor(size / crop)
    resized = transforms.Resize(resize, INTERPOLATIONS[interpolation])(image.convert("RGB"))
    views = {
        "flip": center_and_mirror(size),
        "five-crop": transforms.FiveCrop(size),
        "ten-crop": transforms.TenCrop(size),
    }
    hashes = {}
    for name, crops in views.items():
        tensors = [NORMALIZE(functional.to_tensor(one)) for one in crops(resized)]
        hashes[name] = hashlib.sha256(torch.stack(tensors).numpy().tobytes()).hexdigest()
    return {"resize": resize, "crop": size, "interpolation": interpolation, **hashes}


def describe_noise(width, height, mode, *transform):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    image = Image.frombytes(mode, (width, height), noise(width, height, channels).tobytes())
    source = {"width": width, "height": height, "channels": channels, "cmyk": mode == "CMYK"}
    return {**source, **describe(image, *transform)}


def main():
    sizes = [(500, 375), (375, 500), (333, 251), (256, 256), (97, 401), (1200, 60), (60, 1200), (3, 2), (1, 1)]
    inputs = [(224, 0.875), (288, 1.0), (225, 0.9), (161, 0.7), (64, 0.2)]
    noises = [describe_noise(*size, "RGB", *one) for one in inputs for size in sizes]
    noises += [describe_noise(341, 257, mode, 224, 0.875) for mode in ["L", "CMYK"]]
    noises += [describe_noise(*size, "RGB", 288, 0.95, "bicubic") for size in sizes]
    photos = {}
    for path in sorted(Path(sys.argv[1]).glob("*.JPEG")):
        image = Image.open(path)
        photos[path.name] = [describe(image, *one)["ten-crop"] for one in [(224, 0.875), (288, 1.0)]]
    (HERE / "views.json").write_text(json.dumps({"noises": noises, "photos": photos}, indent=1) + "\n")


if __name__ == "__main__":
    main()
