"""Writes fixtures/, goldens.json and, from a directory of photos, photos.json.

    python make-goldens.py [directory of photos]

Requires Pillow (13 was used) and numpy. `transform` computes what torchvision computes for a PIL
image: Resize, CenterCrop, ToTensor and Normalize. A hash is the SHA-256 of the samples as Pillow
returns them, or of the float32 values in NCHW order.
"""

import hashlib
import json
import re
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
WIDTH, HEIGHT = 29, 23
MEAN = np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
STD = np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def transform(image, resize=256, crop=224, interpolation="bilinear"):
    image = image.convert("RGB")
    width, height = image.size
    short, long = sorted(image.size)
    size = (resize, int(resize * long / short))
    size = size if width <= height else size[::-1]
    if short != resize:
        image = image.resize(size, Image.Resampling[interpolation.upper()])
    left = int(round((image.width - crop) / 2.0))
    top = int(round((image.height - crop) / 2.0))
    image = image.crop((left, top, left + crop, top + crop))
    planes = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    return np.ascontiguousarray((planes - MEAN) / STD)


def noise(width, height, channels):
    """Deterministic samples, equal to those of `noise` in test/support/pixels.ts."""
    y, x, c = np.ogrid[:height, :width, :channels]
    mixed = x * 7919 + y * 104729 + c * 1299709
    return ((mixed ^ (mixed >> 7)) & 255).astype(np.uint8)


def gradient(red_x, red_y, start):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x * red_x + y * red_y + start) % 256).astype(np.uint8)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png16(name, samples, colour_type):
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, colour_type, 0, 0, 0)
    (FIXTURES / name).write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def without_adobe_marker(jpeg):
    start = jpeg.index(b"\xff\xee")
    return jpeg[:start] + jpeg[start + 2 + struct.unpack_from(">H", jpeg, start + 2)[0] :]


def profile_with_red_and_blue_swapped():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swap = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    return b"".join(swap.get(word, word) for word in re.split(b"([rb]XYZ)", profile))


def make_fixtures():
    FIXTURES.mkdir(exist_ok=True)
    red, green, blue = gradient(7, 3, 0), gradient(2, 9, 50), gradient(5, 5, 90)
    level, opacity = gradient(5, 3, 10), gradient(11, 2, 0)
    rgb = Image.fromarray(np.dstack([red, green, blue]))
    negative = ImageOps.invert(rgb)
    grey, alpha = Image.fromarray(level), Image.fromarray(opacity)
    rgba = Image.merge("RGBA", [*rgb.split(), alpha])
    grey_alpha = Image.merge("LA", [grey, alpha])
    palette = rgb.quantize(32)
    cmyk = Image.merge("CMYK", [*rgb.split(), grey])

    def save(image, name, **options):
        image.save(FIXTURES / name, **options)

    save(grey, "grey.png")
    save(grey, "grey.jpg")
    save(grey, "grey.tif")
    save(grey.convert("1"), "bilevel.png")
    save(grey.convert("1"), "bilevel.tif", compression="group4")
    save(grey_alpha, "grey-alpha.png")
    save(rgb, "rgb.png")
    save(rgb, "rgb.jpg")
    save(rgb, "rgb-profile.jpg", icc_profile=profile_with_red_and_blue_swapped())
    save(rgb, "rgb-progressive.jpg", progressive=True, quality=60)
    save(rgb, "rgb.tif", compression="tiff_lzw")
    save(rgb, "rgb.webp", quality=70)
    save(rgb, "rgb.gif")
    save(rgb, "transparent-colour.png", transparency=(0, 50, 90))
    save(rgba, "rgba.png")
    save(rgba, "rgba.webp", lossless=True, exact=True)
    save(rgba, "rgba.tif")
    save(palette, "palette.png")
    save(palette, "palette-transparent.png", transparency=3)
    save(palette, "palette-alpha.png", transparency=bytes(range(0, 256, 8)))
    save(palette, "palette.tif")
    save(palette, "palette-transparent.gif", transparency=3)
    save(rgb.quantize(4), "palette-2-bit.png", bits=2)
    save(cmyk, "cmyk.jpg", quality=90)
    unmarked = without_adobe_marker((FIXTURES / "cmyk.jpg").read_bytes())
    (FIXTURES / "cmyk-plain.jpg").write_bytes(unmarked)
    save(cmyk, "cmyk.tif", compression="tiff_lzw")

    dark = (level.astype(np.uint16) * 3)[:, :, None]
    low_byte = noise(WIDTH, HEIGHT, 4).astype(np.uint16)
    wide = np.dstack([red, green, blue, opacity]).astype(np.uint16) * 256 + low_byte
    png16("grey-16-bit.png", dark, 0)
    png16("rgb-16-bit.png", wide[:, :, :3], 2)
    png16("grey-alpha-16-bit.png", wide[:, :, 2:], 4)
    png16("rgba-16-bit.png", wide, 6)
    save(Image.fromarray(dark[:, :, 0]), "grey-16-bit.tif")

    save(palette, "animated.gif", save_all=True, append_images=[negative.quantize(32)])
    save(
        palette,
        "animated-transparent.gif",
        save_all=True,
        append_images=[negative.quantize(32)],
        transparency=3,
        loop=0,
        comment=b"a block before the first frame",
    )
    save(rgb, "animated.webp", save_all=True, append_images=[negative], lossless=True)
    save(rgb, "animated.png", save_all=True, append_images=[negative])
    save(rgb, "pages.tif", save_all=True, append_images=[negative], compression="tiff_lzw")

    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        save(rgb, f"exif-{orientation}.jpg", exif=exif)
    exif[0x0112] = 6
    save(rgb, "exif-6.png", exif=exif)
    save(rgb, "exif-6.webp", exif=exif, lossless=True)
    save(rgb, "exif-6.tif", tiffinfo={274: 6}, compression="tiff_lzw")
    save(cmyk, "exif-6-cmyk.jpg", exif=exif)


def samples(image):
    return sha256((image if image.mode == "CMYK" else image.convert("RGB")).tobytes())


def describe_fixture(path):
    image = Image.open(path)
    oriented_image = ImageOps.exif_transpose(Image.open(path))
    golden = {"samples": samples(image), "tensor": sha256(transform(image).tobytes())}
    if samples(oriented_image) != golden["samples"]:
        golden["oriented"] = samples(oriented_image)
    image.load()
    return {"width": image.width, "height": image.height, **golden}


SIZES = [
    (1, 1), (1, 2), (2, 1), (1, 7), (7, 1), (3, 2), (1, 1000), (1000, 1),
    (256, 256), (256, 300), (300, 256), (255, 257), (257, 255), (224, 224), (225, 225),
    (257, 514), (257, 515), (514, 257), (515, 257), (2000, 31), (31, 2000), (3, 1500), (1500, 3),
    (500, 375), (375, 500), (499, 333), (241, 588), (300, 2100), (2100, 300), (1600, 1200),
]  # fmt: skip
MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}


def describe_noise(width, height, mode, resize=256, crop=224, interpolation="bilinear"):
    channels = MODES[mode]
    image = Image.frombytes(mode, (width, height), noise(width, height, channels).tobytes())
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "cmyk": mode == "CMYK",
        "resize": resize,
        "crop": crop,
        "interpolation": interpolation,
        "tensor": sha256(transform(image, resize, crop, interpolation).tobytes()),
    }


def main():
    make_fixtures()
    noises = [describe_noise(*size, "RGB") for size in SIZES]
    for mode in MODES:
        noises += [describe_noise(*size, mode) for size in [(333, 251), (200, 600), (90, 70)]]
    for resize, crop in [(232, 224), (232, 231), (64, 1), (300, 300), (1, 1)]:
        noises += [describe_noise(*size, "RGB", resize, crop) for size in [(341, 257), (97, 401)]]
    noises += [describe_noise(*size, "RGB", interpolation="bicubic") for size in SIZES]
    noises += [describe_noise(333, 251, mode, 235, 224, "bicubic") for mode in MODES]
    files = {path.name: describe_fixture(path) for path in sorted(FIXTURES.iterdir())}
    (HERE / "goldens.json").write_text(
        json.dumps({"files": files, "noises": noises}, indent=1) + "\n"
    )
    if len(sys.argv) > 1:
        photos = {}
        for path in sorted(Path(sys.argv[1]).glob("*.JPEG")):
            image = Image.open(path)
            photos[path.name] = [samples(image), sha256(transform(image).tobytes())]
        (HERE / "photos.json").write_text(json.dumps(photos, indent=1) + "\n")


if __name__ == "__main__":
    main()
