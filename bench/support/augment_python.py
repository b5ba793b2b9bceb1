"""The contender of augment.mjs that runs torchvision on Pillow's images.

    python augment_python.py IMAGES
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "test/93.augment"))

import torch
from PIL import Image
from reference import NORMALIZE, OPERATIONS
from serve import serve
from torchvision import transforms

RUNS = 3


def open():
    torch.set_num_threads(1)
    paths = sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix.lower() in [".jpg", ".jpeg"])
    images = [Image.open(path).convert("RGB") for path in paths]
    squares = [image.crop((0, 0, 224, 224)) for image in images]
    sequence = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.RandAugment(),
            transforms.ToTensor(),
            NORMALIZE,
        ]
    )

    def measure(work, inputs):
        """The microseconds of processor time of one image."""
        began = time.process_time()
        for image in inputs:
            work(image)
        return (time.process_time() - began) * 1e6 / len(inputs)

    def handle(request):
        operation = request.get("operation")
        if operation is None:
            return {"values": [measure(sequence, images) for _ in range(RUNS)]}
        arguments = [operation["value"]] if "value" in operation else []
        function = OPERATIONS[operation["name"]]
        return {"values": [measure(lambda image: function(image, *arguments), squares) for _ in range(RUNS)]}

    return {}, handle


serve(open)
