"""Writes goldens.json: the SHA-256 of augmented batches, by torchvision on Pillow's images.

    python make-goldens.py DIRECTORY-OF-PHOTOS

See reference.py for what it requires. The values are float32 [n, 3, size, size].
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from reference import RandAugment, augment, sha256

HERE = Path(__file__).parent


def generate(kind, width, height, channels=3):
    """Samples, equal to those of `generate` in images.ts."""
    y, x, c = np.ogrid[:height, :width, :channels]
    mixed = x * 7919 + y * 104729 + c * 1299709
    formulas = {
        "noise": mixed ^ (mixed >> 7),
        "gradient": x * (c + 2) + y * (3 - c) + 40 * c,
        "gray": x * 7 + y * 3 + 0 * c,
        "dark": 20 + (x + y) % 9 * (c + 1) + 50 * (c == 1),
        "levels": (x // 3 + y // 2 + c) % 4 * 60 + 20,
        "flat": 0 * x + 0 * y + 90 * c + 7,
    }
    return (formulas[kind] & 255).astype(np.uint8)


KINDS = ["noise", "gradient", "gray", "dark", "levels", "flat"]
SIZES = [1, 2, 3, 7, 32, 97]
FACTORS = [0.0, 0.1, 0.37, 0.73, 1.0, 1.27, 1.9, 3.3]
SHEARS = [-1.0, -0.3, -0.09, 0.0, 0.01, 0.18, 0.3, 0.7]
SHIFTS = [-101, -14, -1, 0, 1, 2, 31, 4096]
VALUES = {
    "hflip": [None],
    "brightness": FACTORS,
    "contrast": FACTORS,
    "saturation": FACTORS,
    "sharpness": FACTORS,
    "hue": [-0.5, -0.3, -0.1, -0.001, 0.0, 0.003, 0.05, 0.21, 0.4, 0.5],
    "shearX": SHEARS,
    "shearY": SHEARS,
    "translateX": SHIFTS,
    "translateY": SHIFTS,
    "rotate": [-360.0, -180.0, -90.0, -30.0, -9.0, -1e-14, 0.0, 1.0, 17.3, 30.0, 45.0, 90.0, 135.0, 180.0, 271.0],
    "posterize": list(range(1, 9)),
    "solarize": [0.0, 1.0, 76.5, 128.0, 178.5, 254.9, 255.0, 256.0],
    "autocontrast": [None],
    "equalize": [None],
}


def image_of(kind, width, height, mode="RGB"):
    samples = generate(kind, width, height, {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode])
    return Image.frombytes(mode, (width, height), samples.tobytes())


def whole(size):
    return {"top": 0, "left": 0, "height": size, "width": size}


def describe_operation(name, value, size):
    operation = {"name": name} if value is None else {"name": name, "value": value}
    tensors = [augment(image_of(kind, size, size), [whole(size), operation], size) for kind in KINDS]
    return {"operation": operation, "size": size, "tensor": sha256(tensors)}


def describe_crop(width, height, mode, crop, size, interpolation):
    image = image_of("noise", width, height, mode)
    tensor = sha256([augment(image, [crop], size, interpolation)])
    source = {"width": width, "height": height, "mode": mode}
    return {**source, "crop": crop, "size": size, "interpolation": interpolation, "tensor": tensor}


def rectangle(top, left, height, width, padding=None):
    crop = {"top": top, "left": left, "height": height, "width": width}
    return crop if padding is None else {**crop, "paddingMode": padding}


def describe_crops():
    crops = [
        (500, 375, rectangle(10, 33, 300, 401), 224),
        (500, 375, rectangle(0, 0, 375, 500), 224),
        (500, 375, rectangle(100, 250, 64, 48), 224),
        (375, 500, rectangle(3, 7, 490, 91), 64),
        (375, 500, rectangle(499, 374, 1, 1), 32),
        (1, 1, rectangle(0, 0, 1, 1), 7),
        (1, 333, rectangle(20, 0, 300, 1), 33),
        (333, 1, rectangle(0, 20, 1, 300), 33),
        (97, 101, rectangle(5, 6, 32, 32), 32),
        (29, 600, rectangle(1, 2, 590, 17), 128),
        (32, 32, rectangle(-4, 3, 32, 32), 32),
        (32, 32, rectangle(4, -4, 32, 32), 32),
        (32, 32, rectangle(-4, -4, 40, 40), 32),
        (32, 32, rectangle(-4, 3, 32, 32, "reflect"), 32),
        (32, 32, rectangle(4, -4, 32, 32, "reflect"), 32),
        (32, 32, rectangle(-30, -31, 92, 93, "reflect"), 48),
        (3, 2, rectangle(-8, -9, 20, 19, "reflect"), 16),
        (1, 5, rectangle(-2, -3, 9, 7, "reflect"), 9),
        (500, 375, {"resize": 256}, 224),
        (97, 101, {"resize": 32}, 32),
        (333, 251, {"resize": 40}, 31),
    ]
    for width, height, crop, size in crops:
        for interpolation in ["bilinear", "bicubic"]:
            yield describe_crop(width, height, "RGB", crop, size, interpolation)
    for mode in ["L", "LA", "RGBA", "CMYK"]:
        for crop in [rectangle(10, 20, 80, 60), rectangle(-3, -5, 100, 100, "reflect"), {"resize": 70}]:
            yield describe_crop(90, 95, mode, crop, 64, "bilinear")


def describe_photo(path, number):
    """A crop and three operations, which depend on the number of the photo."""
    image = Image.open(path)
    height, width = (max(1, side * (20 + 7 * number % 80) // 100) for side in [image.height, image.width])
    operations = [rectangle((image.height - height) // 3, (image.width - width) // 2, height, width)]
    for shift in [0, 4, 9]:
        name, values = list(VALUES.items())[(number + shift) % len(VALUES)]
        value = values[number % len(values)]
        operations.append({"name": name} if value is None else {"name": name, "value": value})
    return {"operations": operations, "tensor": sha256([augment(image, operations, 224)])}


def describe_magnitudes():
    for bins, magnitude, size in [(31, 9, 224), (31, 0, 224), (31, 30, 32), (31, 15, 97), (10, 7, 288), (2, 1, 64)]:
        space = RandAugment()._augmentation_space(bins, (size, size))
        table = {
            name: [float(values[magnitude]) if values.ndim > 0 else 0.0, signed]
            for name, (values, signed) in space.items()
        }
        yield {"bins": bins, "magnitude": magnitude, "size": size, "table": table}


def main():
    goldens = {
        "operations": {
            name: [describe_operation(name, value, size) for value in values for size in SIZES]
            for name, values in VALUES.items()
        },
        "crops": list(describe_crops()),
        "magnitudes": list(describe_magnitudes()),
    }
    if len(sys.argv) > 1:
        photos = sorted(Path(sys.argv[1]).glob("*.JPEG"))
        goldens["photos"] = {path.name: describe_photo(path, number) for number, path in enumerate(photos)}
    (HERE / "goldens.json").write_text(json.dumps(goldens, indent=1) + "\n")


if __name__ == "__main__":
    main()
