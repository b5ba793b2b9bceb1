"""Writes formats.json: small images of many kinds, with Pillow's samples of each.

    python make-formats.py

Requires Pillow (13 was used), numpy, tifffile and imagecodecs. The samples are those of
`Image.open(file).convert('RGB')`, or of `Image.open(file)` for CMYK; they are absent if Pillow rejects
the file. Kinds that a decoder may decode to nearly Pillow's samples keep the samples themselves, all
others keep their SHA-256.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageOps

WIDTH, HEIGHT = 21, 14
Y, X = np.mgrid[:HEIGHT, :WIDTH]
RED, GREEN, BLUE = (X * 9 + Y * 4) % 256, (X * 2 + Y * 11 + 50) % 256, (X * 6 + Y * 5 + 90) % 256
ALPHA, EXTRA = (X * 12 + Y * 2) % 256, (X * 3 + Y * 7 + 20) % 256
CHANNELS = np.dstack([RED, GREEN, BLUE, ALPHA, EXTRA])

RGB = Image.fromarray(CHANNELS[:, :, :3].astype(np.uint8))
GRAY = Image.fromarray(CHANNELS[:, :, 0].astype(np.uint8))
OPACITY = Image.fromarray(ALPHA.astype(np.uint8))
RGBA = Image.merge("RGBA", [*RGB.split(), OPACITY])
GRAY_ALPHA = Image.merge("LA", [GRAY, OPACITY])
CMYK = Image.merge("CMYK", [*RGB.split(), GRAY])
PALETTE = RGB.quantize(32)
NEGATIVE = ImageOps.invert(RGB)

ROWS = []


def add(image_format, color, bits, variant, data):
    """Adds a file, and what Pillow decodes it to."""
    row = {"format": image_format, "color": color, "bits": bits, "variant": variant}
    row["file"] = base64.b64encode(data).decode()
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Exception:
        ROWS.append(row)
        return
    row |= samples("", image)
    oriented = ImageOps.exif_transpose(image)
    if oriented.tobytes() != image.tobytes() or oriented.size != image.size:
        row |= samples("oriented", oriented)
    ROWS.append(row)


def samples(prefix, image):
    data = (image if image.mode == "CMYK" else image.convert("RGB")).tobytes()
    name = lambda text: prefix + text.capitalize() if prefix else text  # noqa: E731
    is_near = image.format in ("AVIF", "BMP", "PPM") or prefix == "oriented"
    value = base64.b64encode(data) if is_near else hashlib.sha256(data).hexdigest().encode()
    return {
        name("width"): image.width,
        name("height"): image.height,
        name("samples" if is_near else "hash"): value.decode(),
    }


def saved(image, image_format, **options):
    # Of copies, because Pillow keeps the encoder's options of one format in the image.
    if "append_images" in options:
        options["append_images"] = [other.copy() for other in options["append_images"]]
    file = io.BytesIO()
    image.copy().save(file, image_format, **options)
    return file.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


# --- JPEG ---------------------------------------------------------------------------------------


def add_jpeg():
    def jpeg(color, variant, data, bits="8"):
        add("JPEG", color, bits, variant, data)

    jpeg("grayscale", "baseline", saved(GRAY, "JPEG"))
    for subsampling in ["4:4:4", "4:2:2", "4:2:0"]:
        jpeg("YCbCr", subsampling, saved(RGB, "JPEG", subsampling=subsampling))
    rgb = np.asarray(RGB)
    for subsampling in ["440", "411"]:
        data = imagecodecs.jpeg8_encode(rgb, subsampling=subsampling)
        jpeg("YCbCr", ":".join(subsampling), data)
    jpeg("YCbCr", "progressive", saved(RGB, "JPEG", progressive=True))
    jpeg("YCbCr", "optimized Huffman tables", saved(RGB, "JPEG", optimize=True))
    jpeg("YCbCr", "restart markers", saved(RGB, "JPEG", restart_marker_blocks=1))
    jpeg("grayscale", "144 damaged restart intervals", damaged_intervals())
    jpeg("RGB", "baseline", saved(RGB, "JPEG", keep_rgb=True))
    cmyk = saved(CMYK, "JPEG")
    start = cmyk.index(b"\xff\xee")
    unmarked = cmyk[:start] + cmyk[start + 2 + struct.unpack_from(">H", cmyk, start + 2)[0] :]
    jpeg("CMYK", "Adobe marker", cmyk)
    jpeg("CMYK", "no Adobe marker", unmarked)
    ycck = imagecodecs.jpeg8_encode(np.asarray(CMYK), colorspace="CMYK", outcolorspace="YCCK")
    jpeg("YCCK", "Adobe marker", ycck)
    for orientation in range(1, 9):
        data = saved(RGB, "JPEG", exif=exif(orientation))
        jpeg("YCbCr", "EXIF orientations 1 to 8", data)
    jpeg("CMYK", "EXIF orientation 6", saved(CMYK, "JPEG", exif=exif(6)))
    jpeg("YCbCr", "MPO with two images", saved(RGB, "MPO", save_all=True, append_images=[NEGATIVE]))
    wide = (CHANNELS[:, :, 0].astype(np.uint16) << 4) | 7
    jpeg("grayscale", "extended", imagecodecs.jpeg8_encode(wide, bitspersample=12), "12")
    jpeg("grayscale", "lossless", imagecodecs.ljpeg_encode(np.asarray(GRAY)))


def damaged_intervals():
    """A JPEG of 144 restart intervals that lack their last byte. Pillow and libjpeg warn of each."""
    data = saved(Image.linear_gradient("L").resize((96, 96)), "JPEG", restart_marker_blocks=1)
    scan = data.index(b"\xff\xda")
    scan += 2 + struct.unpack_from(">H", data, scan + 2)[0]
    *intervals, end = re.split(rb"(\xff[\xd0-\xd7])", data[scan:])
    cut = [part if part[0] == 0xFF or len(part) < 3 else part[:-1] for part in intervals]
    return data[:scan] + b"".join(cut) + end


# --- PNG ----------------------------------------------------------------------------------------


def png(samples, color_type, bits, *, chunks=(), interlaced=False):
    """Encodes samples [height, width, channels] below 2**bits."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    def scanlines(part):
        if part.size == 0:
            return b""
        if bits == 16:
            rows = [row.astype(">u2").tobytes() for row in part]
        else:
            flat = part.reshape(part.shape[0], -1).astype(np.uint8)
            digits = np.unpackbits(flat[:, :, None], axis=2)[:, :, 8 - bits :]
            rows = [np.packbits(row).tobytes() for row in digits.reshape(len(flat), -1)]
        return b"".join(b"\0" + row for row in rows)

    # The passes of Adam7: first row, first column, row step, column step.
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = adam7 if interlaced else [(0, 0, 1, 1)]
    data = b"".join(scanlines(samples[y::dy, x::dx]) for y, x, dy, dx in passes)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, color_type, 0, 0, int(interlaced))
    parts = [chunk(b"IHDR", header), *(chunk(*pair) for pair in chunks)]
    parts += [chunk(b"IDAT", zlib.compress(data, 9)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def add_png():
    wide = CHANNELS * 257 % 65536
    # Grayscale of 16 bits is clipped to 255: keep many samples below.
    dark = (CHANNELS[:, :, :1] * 2).astype(np.uint16)
    colors = np.asarray(RGB.quantize(16).getpalette()[:48], np.uint8).tobytes()
    index = np.asarray(RGB.quantize(16)).astype(int)[:, :, None]
    for interlaced in [False, True]:
        variant = "interlaced" if interlaced else "not interlaced"

        def add_kind(color, bits, samples, color_type, chunks=(), variant=variant, i=interlaced):
            data = png(samples, color_type, bits, chunks=chunks, interlaced=i)
            add("PNG", color, str(bits), variant, data)

        for bits in [1, 2, 4, 8]:
            level = CHANNELS[:, :, :1] >> (8 - bits)
            add_kind("grayscale", bits, level, 0)
            add_kind("grayscale, transparent level", bits, level, 0, [(b"tRNS", b"\0\1")])
        add_kind("grayscale", 16, dark, 0)
        add_kind("grayscale, transparent level", 16, dark, 0, [(b"tRNS", b"\0\x32")])
        for bits in [1, 2, 4, 8]:
            part = index % (1 << bits)
            add_kind("palette", bits, part, 3, [(b"PLTE", colors)])
            alpha = [(b"PLTE", colors), (b"tRNS", b"\0\x80")]
            add_kind("palette with alpha", bits, part, 3, alpha)
        for bits, values in [(8, CHANNELS), (16, wide)]:
            add_kind("RGB", bits, values[:, :, :3], 2)
            transparent = struct.pack(">HHH", *(int(v) for v in values[0, 0, :3]))
            add_kind("RGB, transparent color", bits, values[:, :, :3], 2, [(b"tRNS", transparent)])
            add_kind("grayscale with alpha", bits, values[:, :, 2:4], 4)
            add_kind("RGB with alpha", bits, values[:, :, :4], 6)
    gamma = png(CHANNELS[:, :, :3], 2, 8, chunks=[(b"gAMA", struct.pack(">I", 100000))])
    add("PNG", "RGB", "8", "gamma 1.0", gamma)
    animated = saved(RGB, "PNG", save_all=True, append_images=[NEGATIVE])
    add("PNG", "RGB", "8", "animated", animated)
    add("PNG", "RGB", "8", "EXIF orientation 6", saved(RGB, "PNG", exif=exif(6)))


# --- GIF ----------------------------------------------------------------------------------------


def add_gif():
    def gif(color, variant, data):
        add("GIF", color, "8", variant, data)

    plain = saved(PALETTE, "GIF", interlace=0)
    transparent = saved(PALETTE, "GIF", interlace=0, transparency=3)

    def placed(data, left, top, width, height):
        """Moves the only frame, and resizes the canvas."""
        frame = data.rindex(b",\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))
        data = data[: frame + 1] + struct.pack("<HH", left, top) + data[frame + 5 :]
        return data[:6] + struct.pack("<HH", width, height) + data[10:]

    def without_color_table(data):
        size = 3 << ((data[10] & 7) + 1)
        return data[:10] + bytes([data[10] & 0x7F]) + data[11:13] + data[13 + size :]

    gif("palette", "not interlaced", plain)
    gif("palette", "interlaced", saved(PALETTE, "GIF", interlace=1))
    gif("grayscale palette", "not interlaced", saved(GRAY, "GIF", interlace=0))
    gif("bilevel palette", "not interlaced", saved(GRAY.convert("1"), "GIF", interlace=0))
    gif("palette, transparent color", "not interlaced", transparent)
    animation = [NEGATIVE.quantize(32)]
    gif("palette", "animated", saved(PALETTE, "GIF", save_all=True, append_images=animation))
    options = {"save_all": True, "append_images": animation, "transparency": 3, "disposal": 2}
    gif("palette, transparent color", "animated", saved(PALETTE, "GIF", **options))
    gif("palette", "margins around the first frame", placed(plain, 3, 2, WIDTH + 8, HEIGHT + 5))
    gif(
        "palette, transparent color",
        "margins around the first frame",
        placed(transparent, 3, 2, WIDTH + 8, HEIGHT + 5),
    )
    gif("palette", "first frame larger than the canvas", placed(plain, 3, 2, WIDTH, HEIGHT))
    gif("no color table", "not interlaced", without_color_table(plain))


# --- WebP ---------------------------------------------------------------------------------------


def add_webp():
    def webp(color, variant, data):
        add("WebP", color, "8", variant, data)

    webp("YCbCr", "lossy", saved(RGB, "WEBP", quality=70))
    webp("YCbCr with alpha", "lossy", saved(RGBA, "WEBP", quality=70))
    webp("RGB", "lossless", saved(RGB, "WEBP", lossless=True))
    webp("RGB with alpha", "lossless", saved(RGBA, "WEBP", lossless=True, exact=True))
    webp("RGB", "EXIF orientation 6", saved(RGB, "WEBP", lossless=True, exif=exif(6)))
    animation = {"save_all": True, "append_images": [NEGATIVE], "lossless": True}
    webp("RGB", "animated", saved(RGB, "WEBP", **animation))


# --- TIFF ---------------------------------------------------------------------------------------

SAMPLE_TYPES = {
    "8": (np.uint8, 1, 0),
    "16": (np.uint16, 257, 0),
    "32": (np.uint32, 16843009, 0),
    "8 signed": (np.int8, 1, -128),
    "16 signed": (np.int16, 257, -32768),
    "32 signed": (np.int32, 16843009, -(2**31)),
    "16 floating-point": (np.float16, 1 / 255, 0),
    "32 floating-point": (np.float32, 1 / 255, 0),
    "64 floating-point": (np.float64, 1 / 255, 0),
}


def tiff_samples(bits, channels):
    dtype, scale, offset = SAMPLE_TYPES[bits]
    values = (CHANNELS[:, :, :channels] * scale + offset).astype(dtype)
    if channels > 1:
        return values
    # Pillow clips single samples of more than 8 bits to 0..255: spread them over that range, and beyond.
    level = CHANNELS[:, :, 0] if "8" in bits else CHANNELS[:, :, 0] * 2.25 - 100
    low = 0 if np.issubdtype(dtype, np.unsignedinteger) else -128 if bits == "8 signed" else -100
    return np.clip(level, low, 127 if bits == "8 signed" else 500).astype(dtype)


def tiff(samples, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, samples, software=False, metadata=None, **options)
    return file.getvalue()


def add_tiff():
    models = [
        ("grayscale", 1, "minisblack", None),
        ("white-is-zero grayscale", 1, "miniswhite", None),
        ("grayscale with alpha", 2, "minisblack", "unassalpha"),
        ("RGB", 3, "rgb", None),
        ("RGB with alpha", 4, "rgb", "unassalpha"),
        ("RGB with premultiplied alpha", 4, "rgb", "assocalpha"),
        ("RGB with an unspecified extra sample", 4, "rgb", "unspecified"),
        ("CMYK", 4, "separated", None),
        ("CMYK with alpha", 5, "separated", "unassalpha"),
        ("CIELAB", 3, "cielab", None),
    ]
    orders = {"<": "little-endian", ">": "big-endian"}
    for color, channels, photometric, extra in models:
        # Few files have these types: only grayscale and RGB try all of them.
        types = SAMPLE_TYPES if color in ("grayscale", "RGB") else ["8", "16", "32 floating-point"]
        for bits in types:
            for order, name in orders.items():
                options = {"extrasamples": [extra]} if extra else {}
                options |= {"planarconfig": "contig"} if channels > 1 else {}
                options |= {"photometric": photometric, "byteorder": order}
                data = tiff(tiff_samples(bits, channels), **options)
                add("TIFF", color, bits, name, data)

    gray8, rgb8 = tiff_samples("8", 1), tiff_samples("8", 3)
    gray16, rgb16 = tiff_samples("16", 1), tiff_samples("16", 3)
    kinds = [
        ("grayscale", "8", gray8, "minisblack"),
        ("grayscale", "16", gray16, "minisblack"),
        ("RGB", "8", rgb8, "rgb"),
        ("RGB", "16", rgb16, "rgb"),
    ]
    names = {"lzw": "LZW", "deflate": "Deflate", "adobe_deflate": "Deflate (Adobe)"}
    names |= {"packbits": "PackBits", "zstd": "Zstandard", "lzma": "LZMA", "jpeg": "JPEG"}
    names |= {"webp": "WebP", "jpeg2000": "JPEG 2000", "jpegxl": "JPEG XL", "lerc": "LERC"}
    for color, bits, samples, photometric in kinds:
        for compression, name in names.items():
            if (compression, bits) in [("jpeg", "16"), ("webp", "16")] or (compression, color) == ("webp", "grayscale"):
                continue
            data = tiff(samples, photometric=photometric, compression=compression)
            add("TIFF", color, bits, name, data)
        for compression in ["lzw", "adobe_deflate"]:
            data = tiff(samples, photometric=photometric, compression=compression, predictor=True)
            add("TIFF", color, bits, f"{names[compression]} with predictor", data)
        data = tiff(samples, photometric=photometric, tile=(16, 16), compression="lzw")
        add("TIFF", color, bits, "tiles, LZW", data)
        data = tiff(samples, photometric=photometric, bigtiff=True)
        add("TIFF", color, bits, "BigTIFF", data)
        if color == "RGB":
            planes = np.moveaxis(samples, 2, 0)
            separate = {"photometric": "rgb", "planarconfig": "separate"}
            add("TIFF", color, bits, "separate planes", tiff(planes, **separate))
            data = tiff(planes, **separate, compression="lzw")
            add("TIFF", color, bits, "separate planes, LZW", data)
            data = tiff(planes, **separate, tile=(16, 16))
            add("TIFF", color, bits, "tiles in separate planes", data)

    names |= {"tiff_ccitt": "CCITT RLE", "tiff_raw_16": "CCITT RLE, word-aligned"}
    names |= {"group3": "CCITT Group 3", "group4": "CCITT Group 4", "raw": "uncompressed"}
    for compression in ["tiff_ccitt", "tiff_raw_16", "group3", "group4", "raw", "packbits"]:
        data = saved(GRAY.convert("1"), "TIFF", compression=compression)
        add("TIFF", "bilevel", "1", names[compression], data)
    for bits in [1, 2, 4]:
        level = gray8 >> (8 - bits)
        for photometric in ["minisblack", "miniswhite"]:
            color = "bilevel" if bits == 1 else "grayscale"
            if photometric == "miniswhite":
                color = f"white-is-zero {color}"
            data = packed_tiff(level, bits, {"minisblack": 1, "miniswhite": 0}[photometric])
            add("TIFF", color, str(bits), "little-endian", data)
            data = packed_tiff(level, bits, {"minisblack": 1, "miniswhite": 0}[photometric], True)
            add("TIFF", color, str(bits), "least significant bit first (FillOrder 2)", data)
    add("TIFF", "grayscale", "12", "little-endian", packed_tiff(gray8.astype(int) * 2, 12, 1))

    ramp = np.arange(256)
    colors = np.stack([ramp, 255 - ramp, ramp * 37 % 256]).astype(np.uint16)
    add("TIFF", "palette", "8", "uncompressed", tiff(gray8, photometric="palette", colormap=colors * 257))
    add("TIFF", "palette", "8", "LZW", tiff(gray8, photometric="palette", colormap=colors * 257, compression="lzw"))
    add("TIFF", "palette of 8-bit colors", "8", "uncompressed", tiff(gray8, photometric="palette", colormap=colors))
    palette_alpha = Image.merge("LA", [GRAY, OPACITY]).convert("PA")
    add("TIFF", "palette with alpha", "8", "uncompressed", saved(palette_alpha, "TIFF"))

    ycbcr = {"photometric": "ycbcr"}
    add("TIFF", "YCbCr", "8", "JPEG", tiff(rgb8, **ycbcr, compression="jpeg"))
    add("TIFF", "YCbCr", "8", "JPEG, 4:2:0", tiff(rgb8, **ycbcr, compression="jpeg", subsampling=(2, 2)))
    add("TIFF", "YCbCr", "8", "JPEG, tiles", tiff(rgb8, **ycbcr, compression="jpeg", tile=(16, 16)))
    add("TIFF", "YCbCr", "8", "uncompressed", tiff(rgb8, **ycbcr))
    add("TIFF", "YCbCr", "8", "LZW", tiff(rgb8, **ycbcr, compression="lzw"))
    old_jpeg = bytearray(tiff(rgb8, **ycbcr, compression="jpeg"))
    compression = old_jpeg.index(struct.pack("<HHI", 259, 3, 1)) + 8
    old_jpeg[compression : compression + 2] = struct.pack("<H", 6)
    add("TIFF", "YCbCr", "8", "old-style JPEG", bytes(old_jpeg))
    add("TIFF", "CMYK", "8", "JPEG", saved(CMYK, "TIFF", compression="jpeg"))
    add("TIFF", "CMYK", "8", "LZW", saved(CMYK, "TIFF", compression="tiff_lzw"))

    pages = saved(RGB, "TIFF", save_all=True, append_images=[NEGATIVE], compression="tiff_lzw")
    add("TIFF", "RGB", "8", "pages", pages)
    for orientation in range(1, 9):
        data = saved(RGB, "TIFF", tiffinfo={274: orientation}, compression="tiff_lzw")
        add("TIFF", "RGB", "8", "orientations 1 to 8", data)


def packed_tiff(level, bits, photometric, lowest_first=False):
    """An uncompressed grayscale TIFF of fewer bits than tifffile writes."""
    digits = np.unpackbits(level.astype(">u2").view(np.uint8).reshape(HEIGHT, WIDTH, 2), axis=2)
    rows = b"".join(np.packbits(row).tobytes() for row in digits[:, :, 16 - bits :].reshape(HEIGHT, -1))
    if lowest_first:
        rows = bytes(int(f"{byte:08b}"[::-1], 2) for byte in rows)
    fields = [(256, 4, WIDTH), (257, 4, HEIGHT), (258, 3, bits), (259, 3, 1), (262, 3, photometric)]
    fields += [(266, 3, 2 if lowest_first else 1), (273, 4, 8), (277, 3, 1), (278, 4, HEIGHT), (279, 4, len(rows))]
    directory = struct.pack("<H", len(fields))
    directory += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
    return b"II*\0" + struct.pack("<I", 8 + len(rows)) + rows + directory + bytes(4)


# --- AVIF ---------------------------------------------------------------------------------------


def add_avif():
    def avif(color, variant, data, bits="8"):
        add("AVIF", color, bits, variant, data)

    for subsampling in ["4:4:4", "4:2:2", "4:2:0"]:
        for quality in [60, 100]:
            options = {"subsampling": subsampling, "quality": quality}
            avif("YCbCr", f"{subsampling}, quality {quality}", saved(RGB, "AVIF", **options))
    avif("YCbCr", "limited range", saved(RGB, "AVIF", range="limited"))
    avif("grayscale", "4:0:0", saved(GRAY, "AVIF", subsampling="4:0:0"))
    avif("YCbCr with alpha", "4:2:0", saved(RGBA, "AVIF"))
    premultiplied = saved(RGBA, "AVIF", alpha_premultiplied=True)
    avif("YCbCr with premultiplied alpha", "4:2:0", premultiplied)
    avif("YCbCr", "animated", saved(RGB, "AVIF", save_all=True, append_images=[NEGATIVE]))
    for orientation in range(2, 9):
        data = saved(RGB, "AVIF", exif=exif(orientation))
        avif("YCbCr", "rotation and mirroring (EXIF orientations 2 to 8)", data)
    for bits in [10, 12]:
        wide = CHANNELS[:, :, :3].astype(np.uint16) << (bits - 8)
        data = imagecodecs.avif_encode(wide, level=90, bitspersample=bits)
        avif("YCbCr", "4:4:4", data, str(bits))


# --- BMP ----------------------------------------------------------------------------------------


def bmp(rows, bits, *, compression=0, palette=b"", masks=b"", header=40, height=HEIGHT):
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        colors = len(palette) // 4
        fields = (header, WIDTH, height, 1, bits, compression, len(rows), 2835, 2835, colors, 0)
        info = struct.pack("<IiiHHIIiiII", *fields)
        if header > 40:
            info += masks + bytes(header - 40 - len(masks))
            masks = b""
    offset = 14 + len(info) + len(masks) + len(palette)
    start = struct.pack("<HIHHI", 0x4D42, offset + len(rows), 0, 0, offset)
    return start + info + masks + palette + rows


def add_bmp():
    def padded(row):
        return row + bytes(-len(row) % 4)

    def add_kind(color, bits, variant, data):
        add("BMP", color, str(bits), variant, data)

    rgb = np.asarray(RGB)
    bgr = [padded(row[:, ::-1].tobytes()) for row in rgb]
    bottom_up = b"".join(bgr[::-1])
    add_kind("RGB", 24, "bottom-up", bmp(bottom_up, 24))
    add_kind("RGB", 24, "top-down", bmp(b"".join(bgr), 24, height=-HEIGHT))
    add_kind("RGB", 24, "OS/2 header", bmp(bottom_up, 24, header=12))
    add_kind("RGB", 24, "version 5 header", bmp(bottom_up, 24, header=124))
    add_kind("bilevel", 1, "bottom-up", saved(GRAY.convert("1"), "BMP"))
    add_kind("grayscale palette", 8, "bottom-up", saved(GRAY, "BMP"))
    add_kind("palette", 8, "bottom-up", saved(PALETTE, "BMP"))
    add_kind("RGB", 32, "unused alpha", saved(RGBA, "BMP"))

    quantized = RGB.quantize(16)
    index = np.asarray(quantized)[::-1].tolist()
    colors = np.asarray(quantized.getpalette()[:48], np.uint8).reshape(-1, 3)
    palette = b"".join(bytes([b, g, r, 0]) for r, g, b in colors.tolist())

    def nibbles(row):
        row = row + [0] * (len(row) % 2)
        return bytes(a << 4 | b for a, b in zip(row[::2], row[1::2], strict=True))

    add_kind("palette", 4, "bottom-up", bmp(b"".join(padded(nibbles(r)) for r in index), 4, palette=palette))
    rle8 = b"".join(b"".join(bytes([1, v]) for v in row) + b"\0\0" for row in index) + b"\0\1"
    add_kind("palette", 8, "RLE", bmp(rle8, 8, compression=1, palette=palette))
    rle4 = b"".join(b"".join(bytes([1, v << 4]) for v in row) + b"\0\0" for row in index) + b"\0\1"
    add_kind("palette", 4, "RLE", bmp(rle4, 4, compression=2, palette=palette))

    red, green, blue = (rgb[::-1, :, i].astype(np.uint32) for i in range(3))
    words = (red >> 3 << 10 | green >> 3 << 5 | blue >> 3).astype("<u2")
    add_kind("RGB", 16, "5+5+5 bits", bmp(b"".join(padded(row.tobytes()) for row in words), 16))
    words = (red >> 3 << 11 | green >> 2 << 5 | blue >> 3).astype("<u2")
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    data = bmp(b"".join(padded(row.tobytes()) for row in words), 16, compression=3, masks=masks)
    add_kind("RGB", 16, "5+6+5 bits", data)
    pixels = (red << 16 | green << 8 | blue).astype("<u4").tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    add_kind("RGB", 32, "bit masks", bmp(pixels, 32, compression=3, masks=masks[:12]))
    data = bmp(pixels, 32, compression=3, masks=masks, header=108)
    add_kind("RGB with alpha", 32, "version 4 header", data)


# --- Netpbm -------------------------------------------------------------------------------------


def add_netpbm():
    def add_kind(color, bits, variant, data):
        add("Netpbm", color, bits, variant, data)

    def text(magic, fields, samples):
        header = f"{magic}\n# a comment\n{WIDTH} {HEIGHT}\n{fields}"
        return (header + "\n".join(" ".join(map(str, row.ravel())) for row in samples) + "\n").encode()

    def binary(magic, max_value, samples):
        return f"{magic}\n{WIDTH} {HEIGHT}\n{max_value}\n".encode() + samples.tobytes()

    rgb, gray = np.asarray(RGB), np.asarray(GRAY)
    add_kind("bilevel", "1", "PBM, binary", saved(GRAY.convert("1"), "PPM"))
    add_kind("bilevel", "1", "PBM, text", text("P1", "", gray >> 7))
    add_kind("grayscale", "8", "PGM, binary", saved(GRAY, "PPM"))
    add_kind("grayscale", "8", "PGM, text", text("P2", "255\n", gray))
    add_kind("RGB", "8", "PPM, binary", saved(RGB, "PPM"))
    add_kind("RGB", "8", "PPM, text", text("P3", "255\n", rgb))
    add_kind("RGB", "8, maxval 100", "PPM, binary", binary("P6", 100, rgb % 101))
    add_kind("grayscale", "8, maxval 15", "PGM, binary", binary("P5", 15, gray % 16))
    wide = gray.astype(">u2") * 2
    add_kind("grayscale", "16", "PGM, binary", binary("P5", 65535, wide))
    add_kind("RGB", "16", "PPM, binary", binary("P6", 65535, rgb.astype(">u2") * 257))
    add_kind("RGB", "8", "PAM", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n123")


# --- formats that are not supported -------------------------------------------------------------


def add_others():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="4" height="4"/></svg>'
    add("SVG", "vector", "", "text", svg)
    add("SVG", "vector", "", "with an XML declaration", b'<?xml version="1.0"?>\n<!-- c -->\n' + svg)
    add("SVG", "vector", "", "gzip (SVGZ)", gzip.compress(svg, mtime=0))
    add("PDF", "vector", "", "one page", saved(RGB, "PDF"))
    add("EPS", "vector", "", "text", saved(RGB, "EPS"))
    add("JPEG 2000", "RGB", "8", "JP2", saved(RGB, "JPEG2000"))
    add("JPEG XL", "RGB", "8", "codestream", imagecodecs.jpegxl_encode(np.asarray(RGB)))
    add("ICO", "RGB", "8", "one image", saved(RGB.resize((16, 16)), "ICO"))
    add("TGA", "RGB", "8", "uncompressed", saved(RGB, "TGA"))
    add("HEIC", "YCbCr", "8", "header only", bytes.fromhex("00000018") + b"ftypheic" + bytes(4) + b"mif1heic")


def main():
    for add_format in [add_jpeg, add_png, add_gif, add_webp, add_tiff, add_avif, add_bmp, add_netpbm, add_others]:
        add_format()
    # Pillow decodes some of these formats, but they are out of scope.
    path = Path(__file__).parent / "formats.json"
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]\n")


if __name__ == "__main__":
    main()
