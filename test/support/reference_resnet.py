"""ResNets in plain PyTorch with the names of torchvision, the reference for the goldens."""

import numpy as np
import torch
from PIL import Image
from torch import nn


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, planes, stride, groups, width_per_group, stride_on_first):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample(inputs, planes, stride)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return torch.relu(x + identity)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, planes, stride, groups, width_per_group, stride_on_first):
        super().__init__()
        width = planes * width_per_group // 64 * groups
        outputs = planes * self.expansion
        first, second = (stride, 1) if stride_on_first else (1, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = downsample(inputs, outputs, stride)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return torch.relu(x + identity)


def downsample(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
    )


class ResNet(nn.Module):
    def __init__(
        self, block, layers, groups=1, width_per_group=64, stride_on_first=False, num_classes=1000
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(layers):
            planes = 64 * 2**stage
            blocks = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(
                    block(inputs, planes, stride, groups, width_per_group, stride_on_first)
                )
                inputs = planes * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, num_classes)

    def pyramid(self, x):
        relu = torch.relu(self.bn1(self.conv1(x)))
        layer1 = self.layer1(torch.max_pool2d(relu, 3, 2, 1))
        layer2 = self.layer2(layer1)
        layer3 = self.layer3(layer2)
        return relu, layer1, layer2, layer3, self.layer4(layer3)

    def features(self, x):
        return torch.flatten(nn.functional.adaptive_avg_pool2d(self.pyramid(x)[-1], 1), 1)

    def forward(self, x):
        return self.fc(self.features(x))


ARCHITECTURES = {
    "resnet18": dict(block=BasicBlock, layers=[2, 2, 2, 2]),
    "resnet50": dict(block=Bottleneck, layers=[3, 4, 6, 3]),
    "resnet50_v1": dict(block=Bottleneck, layers=[3, 4, 6, 3], stride_on_first=True),
    "resnext50_32x4d": dict(block=Bottleneck, layers=[3, 4, 6, 3], groups=32, width_per_group=4),
    "resnext101_32x4d": dict(block=Bottleneck, layers=[3, 4, 23, 3], groups=32, width_per_group=4),
    "resnext101_32x8d": dict(block=Bottleneck, layers=[3, 4, 23, 3], groups=32, width_per_group=8),
    "resnext101_32x16d": dict(
        block=Bottleneck, layers=[3, 4, 23, 3], groups=32, width_per_group=16
    ),
}


def resnet(name, num_classes=1000):
    """Returns a network with uninitialized tensors: fill or load every tensor before use."""
    with torch.device("meta"):
        model = ResNet(**ARCHITECTURES[name], num_classes=num_classes)
    return model.to_empty(device="cpu").eval()


def photo(path):
    """Loads and preprocesses an image as the transforms of torchvision do: [1, 3, 224, 224]."""
    image = Image.open(path).convert("RGB")
    short = min(image.size)
    width, height = (256 if side == short else int(256 * side / short) for side in image.size)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    image = image.crop((left, top, left + 224, top + 224))
    levels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    return ((levels - mean) / std)[None]
