"""
Writes goldens.json: what PyTorch computes in training steps with the generated checkpoint on generated
batches, and its learning rates.

    python3 make-goldens.py

Requires torch and numpy. The goldens were computed with 2.13.0 (CPU) and 2.x.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

here = Path(__file__).parent
sys.path.insert(0, str(here.parent / "support"))
from generated_checkpoint import fill, uniform  # noqa: E402
from reference_resnet import resnet  # noqa: E402

CLASSES = 10
SIDE = 64
COUNT = 8
BATCHES = 5


def batch(step):
    """Images [n, 3, h, w] and their classes; every fifth batch is the same."""
    index = step % BATCHES
    values = np.concatenate(list(uniform(1000 + index, COUNT * 3 * SIDE * SIDE)))
    images = torch.from_numpy(values.astype(np.float32)).view(COUNT, 3, SIDE, SIDE)
    targets = torch.arange(COUNT).mul(3).add(index) % CLASSES
    return images.to(memory_format=torch.channels_last), targets


def create(architecture):
    return fill(resnet(architecture, CLASSES)).train().to(memory_format=torch.channels_last)


def groups(model, weight_decay):
    """No decay of vectors."""
    vectors = [one for one in model.parameters() if one.dim() <= 1]
    others = [one for one in model.parameters() if one.dim() > 1]
    return [
        {"params": others, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0},
    ]


def sgd(model, lr=0.02, weight_decay=1e-2):
    return torch.optim.SGD(groups(model, weight_decay), lr=lr, momentum=0.9, nesterov=True)


def adamw(model, lr=1e-4, weight_decay=0.05):
    # The same kernel: PyTorch's two implementations differ by up to 3e-4 after 40 steps, because the first updates
    # are the signs of gradients, however small.
    return torch.optim.AdamW(groups(model, weight_decay), lr=lr, fused=True)


def mix(images, targets, step):
    """Mixup in even steps, CutMix in odd ones; the partner is the image before."""
    partners = images.roll(1, 0)
    if step % 2 == 0:
        ratio = 0.3
        mixed = ratio * images + (1 - ratio) * partners
    else:
        y1, x1, y2, x2 = 5, 10, 30, 50
        mixed = images.clone()
        mixed[:, :, y1:y2, x1:x2] = partners[:, :, y1:y2, x1:x2]
        ratio = 1 - (y2 - y1) * (x2 - x1) / SIDE**2
    one_hot = torch.nn.functional.one_hot(targets, CLASSES).float()
    return mixed, ratio * one_hot + (1 - ratio) * one_hot.roll(1, 0)


class Ema:
    """The moving average of parameters and buffers, as timm's ModelEmaV2 and torchvision's ExponentialMovingAverage."""

    def __init__(self, model, decay):
        self.decay = decay
        self.state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model):
        for name, tensor in model.state_dict().items():
            average = self.state[name]
            if tensor.is_floating_point():
                average.copy_(self.decay * average + (1 - self.decay) * tensor)
            else:
                average.copy_(tensor)


def summary(state):
    """The sum and the sum of the absolute values of each tensor."""
    return {
        name: [tensor.double().sum().item(), tensor.double().abs().sum().item()]
        for name, tensor in state.items()
    }


def train(architecture, optimizer, steps, **options):
    torch.manual_seed(0)
    model = create(architecture)
    prepare = options.get("prepare")
    if prepare:
        prepare(model)
    optimizer = optimizer(model)
    ema = Ema(model, options["ema"]) if "ema" in options else None
    accumulate = options.get("accumulate", 1)
    losses, norms = [], []
    for step in range(steps):
        images, targets = batch(step)
        if options.get("mix"):
            images, targets = mix(images, targets, step)
        loss = torch.nn.functional.cross_entropy(
            model(images), targets, label_smoothing=options.get("label_smoothing", 0)
        )
        losses.append(loss.item())
        (loss / accumulate).backward()
        if step % accumulate < accumulate - 1:
            continue
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), options.get("clip_norm", torch.inf))
        norms.append(norm.item())
        optimizer.step()
        optimizer.zero_grad()
        if ema:
            ema.update(model)
    result = {"losses": losses, "norms": norms, "state": summary(model.state_dict())}
    return {**result, "ema": summary(ema.state)} if ema else result


def eval_batch_norm(model):
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()


def only_head(model):
    eval_batch_norm(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("fc.")


def last_stage(model):
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d) and not name.startswith("layer4"):
            module.eval()
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(("layer4.", "fc."))


def layer_decay(model, decay=0.5):
    stages = [["conv1", "bn1"], ["layer1"], ["layer2"], ["layer3"], ["layer4"], ["fc"]]
    parameters = list(model.named_parameters())
    return torch.optim.SGD(
        [
            {"params": [p for n, p in parameters if n.split(".")[0] in stage], "lr": 0.02 * decay ** (5 - i)}
            for i, stage in enumerate(stages)
        ],
        lr=0.02,
        momentum=0.9,
        nesterov=True,
    )


def learning_rates(create, warmup, total):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = create(optimizer)
    if warmup:
        rising = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=warmup)
        scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [rising, scheduler], [warmup])
    rates = []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


schedulers = torch.optim.lr_scheduler
goldens = {
    "training": {
        "sgd": train("resnet18", sgd, 100),
        "adamw": train("resnet18", adamw, 100),
        "bottleneck": train("resnet50", sgd, 20),
        "labelSmoothing": train("resnet18", sgd, 5, label_smoothing=0.1),
        "mix": train("resnet18", sgd, 6, mix=True, label_smoothing=0.1),
        "ema": train("resnet18", sgd, 5, ema=0.9),
        "accumulate": train("resnet18", sgd, 6, accumulate=3),
        "clipNorm": train("resnet18", sgd, 5, clip_norm=0.5),
        "freezeBatchNorm": train("resnet18", sgd, 5, prepare=eval_batch_norm),
        "head": train("resnet18", sgd, 5, prepare=only_head),
        "lastStage": train("resnet18", sgd, 5, prepare=last_stage),
        "layerDecay": train("resnet18", layer_decay, 5),
    },
    "schedules": {
        "cosine": learning_rates(lambda o: schedulers.CosineAnnealingLR(o, 30), 0, 30),
        "cosineWithWarmup": learning_rates(lambda o: schedulers.CosineAnnealingLR(o, 24), 6, 30),
        "constantWithWarmup": learning_rates(lambda o: schedulers.ConstantLR(o, 1), 6, 30),
        "milestones": learning_rates(lambda o: schedulers.MultiStepLR(o, [10, 21, 28], 0.5), 0, 30),
    },
}
(here / "goldens.json").write_text(json.dumps(goldens) + "\n")
