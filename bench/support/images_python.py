"""The contender of end-to-end.mjs that runs Pillow and PyTorch in Python.

    python images_python.py ARCHITECTURE IMAGES THREADS
"""

import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from serve import serve

sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "support"))
from generated_checkpoint import fill  # noqa: E402
from reference_resnet import photo, resnet  # noqa: E402

architecture, folder, threads = sys.argv[1:]
batch_size = 8


def rss_mib():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def prepare(images):
    return torch.cat([photo(io.BytesIO(image)) for image in images])


def open():
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    paths = sorted(Path(folder).iterdir())
    # Pillow releases the GIL while it decodes and resizes.
    decoders = ThreadPoolExecutor(1)

    def classify(model, images):
        predictions = []
        batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        upcoming = decoders.submit(prepare, batches[0])
        for following in [*batches[1:], None]:
            x = upcoming.result()
            if following:
                upcoming = decoders.submit(prepare, following)
            best = torch.softmax(model(x), 1).topk(5)
            for index, score in zip(best.indices[:, 0].tolist(), best.values[:, 0].tolist()):
                predictions.append({"index": index, "score": score})
        return predictions

    def load():
        before = rss_mib()
        model = fill(resnet(architecture))
        classify(model, [paths[0].read_bytes()])
        loaded.append(model)
        return rss_mib() - before

    def measure(images):
        began = time.perf_counter()
        predictions = classify(loaded[0], images)
        return 1000 * (time.perf_counter() - began), predictions

    def all_images():
        milliseconds, predictions = measure(images)
        return {"values": [milliseconds], "predictions": predictions}

    def each_image():
        # The first run wakes threads and fills caches.
        measure(images[:1])
        return {"values": [measure([image])[0] for image in images]}

    loaded = []
    mib = load()
    images = [path.read_bytes() for path in paths]
    measures = {"all": all_images, "each": each_image, "another": lambda: {"values": [load()]}}
    return {"MiB": mib}, lambda request: measures[request["measure"]]()


serve(open)
