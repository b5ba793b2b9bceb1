"""A contender of end-to-end.mjs: Pillow and PyTorch in Python.

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
    # Pillow decodes and resizes without the interpreter's lock.
    decoders = ThreadPoolExecutor(1)

    def classify(model, images):
        answers = []
        batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        coming = decoders.submit(prepare, batches[0])
        for after in [*batches[1:], None]:
            x = coming.result()
            if after:
                coming = decoders.submit(prepare, after)
            best = torch.softmax(model(x), 1).topk(5)
            for index, score in zip(best.indices[:, 0].tolist(), best.values[:, 0].tolist()):
                answers.append({"index": index, "score": score})
        return answers

    def load():
        before = rss_mib()
        model = fill(resnet(architecture))
        classify(model, [paths[0].read_bytes()])
        loaded.append(model)
        return rss_mib() - before

    def timed(images):
        began = time.perf_counter()
        answers = classify(loaded[0], images)
        return 1000 * (time.perf_counter() - began), answers

    def every():
        milliseconds, answers = timed(images)
        return {"values": [milliseconds], "answers": answers}

    def each():
        # The first run wakes threads and fills caches.
        timed(images[:1])
        return {"values": [timed([image])[0] for image in images]}

    loaded = []
    mib = load()
    images = [path.read_bytes() for path in paths]
    measures = {"all": every, "each": each, "another": lambda: {"values": [load()]}}
    return {"MiB": mib}, lambda request: measures[request["measure"]]()


serve(open)
