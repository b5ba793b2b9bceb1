"""A generated checkpoint, bit-identical to that of generated-checkpoint.ts."""

import numpy as np
import torch

CHUNK_SIZE = 2**24


def mix(bits):
    """The finalizer of MurmurHash3, on an array of uint32."""
    bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return bits ^ (bits >> np.uint32(16))


def uniform(index, count):
    """Yields `count` pseudorandom float64, uniform in -1..1, in chunks, with `index` as the seed."""
    start = mix(np.array([index], np.uint32))
    for begin in range(0, count, CHUNK_SIZE):
        i = np.arange(begin, min(begin + CHUNK_SIZE, count), dtype=np.uint32)
        yield mix(start + i) / 2**31 - 1


def fill(model):
    """Fills a ResNet so that activations neither explode nor vanish at any depth."""
    for index, (name, tensor) in enumerate(model.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            tensor.fill_(index)
            continue
        center, spread = range_of(name, tuple(tensor.shape), model)
        flat = tensor.view(-1).numpy()
        begin = 0
        for values in uniform(index, flat.size):
            flat[begin : begin + values.size] = values * spread + center
            begin += values.size
    return model


def range_of(name, shape, model):
    last_in_block = name.split(".")[-2] == ("bn3" if hasattr(model.layer1[0], "conv3") else "bn2")
    if name.endswith("running_var"):
        return 1, 0.2
    if name.endswith("running_mean") or name.endswith("bias"):
        return 0, 0.1
    if len(shape) == 1:
        return (0.3 if last_in_block else 1), 0.1
    return 0, float(np.sqrt(6 / int(np.prod(shape[1:]))))


def image():
    """A generated, normalized image of stripes and arcs, [1, 3, 224, 224]."""
    c, y, x = np.meshgrid(np.arange(3), np.arange(224), np.arange(224), indexing="ij")
    level = (x * 7 + y * 13 + c * 50 + (x * y >> 3)) & 255
    mean = np.array([0.485, 0.456, 0.406])[:, None, None]
    std = np.array([0.229, 0.224, 0.225])[:, None, None]
    return torch.from_numpy(((level / 255 - mean) / std).astype(np.float32))[None]
