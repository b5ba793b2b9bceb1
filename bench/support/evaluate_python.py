"""The contenders of evaluate.mjs in Python: Pillow, a DataLoader with workers, and PyTorch.

    python evaluate_python.py eager|compile ARCHITECTURE IMAGES THREADS
"""

import sys
import time
from pathlib import Path

import torch
from serve import serve

sys.path.insert(0, str(Path(__file__).parents[2] / "test" / "support"))
from generated_checkpoint import fill  # noqa: E402
from reference_resnet import photo, resnet  # noqa: E402

kind, architecture, folder, threads = sys.argv[1:]
batch_size = 20


class Photos(torch.utils.data.Dataset):
    def __init__(self):
        paths = [path for path in sorted(Path(folder).iterdir()) if path.suffix.lower() in (".jpg", ".jpeg")]
        # As often as in evaluate-semisup.mjs.
        self.paths = 3 * paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return photo(self.paths[index])[0]


def open():
    torch.set_num_threads(int(threads))
    model = fill(resnet(architecture)).to(memory_format=torch.channels_last)
    if kind == "compile":
        # Makes weights constants: otherwise `torch.compile` is much slower on a CPU.
        torch._inductor.config.freezing = True
        model = torch.compile(model, dynamic=False)
    photos = Photos()
    # Persistent, so that their start is not measured.
    loader = torch.utils.data.DataLoader(
        photos, batch_size=batch_size, num_workers=int(threads), persistent_workers=True
    )

    def run():
        correct = 0
        with torch.inference_mode():
            for images in loader:
                images = images.to(memory_format=torch.channels_last)
                correct += int((model(images).topk(5).indices == 0).any(1).sum())
        return correct

    def measure(_):
        began = time.perf_counter()
        run()
        return {"values": [1000 * (time.perf_counter() - began) / len(photos)]}

    run()
    return {}, measure


serve(open)
