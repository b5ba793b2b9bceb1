"""Writes scripted networks of several families, with an input and the logits that PyTorch computes for it.

Usage: make-networks.py DIRECTORY
Requires a Python with PyTorch. Writes NAME.pt, NAME.input.f32 and NAME.logits.f32, and networks.json, which maps
names to shapes.
"""

import json
import sys
from pathlib import Path
from typing import List

import torch
from torch import nn
from torch.nn import functional as F


def conv_norm(inputs, outputs, kernel=1, stride=1, groups=1, dilation=1, activation=None):
    padding = dilation * (kernel - 1) // 2
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation] if activation else []))


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, squeezed, activation, gate):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.activation = activation
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = gate

    def forward(self, x):
        return self.gate(self.expand(self.activation(self.reduce(self.pool(x))))) * x


class InvertedBottleneck(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion, activation, excitation=None):
        super().__init__()
        inner = inputs * expansion
        self.layers = nn.Sequential(
            conv_norm(inputs, inner, activation=activation),
            conv_norm(inner, inner, kernel, stride, inner, activation=activation),
            excitation(inner) if excitation else nn.Identity(),
            conv_norm(inner, outputs),
        )
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.is_residual else y


class Classifier(nn.Module):
    def __init__(self, channels, hidden=0, activation=None):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        hidden_layer = [nn.Linear(channels, hidden), activation] if hidden else []
        self.layers = nn.Sequential(*hidden_layer, nn.Dropout(0.2), nn.Linear(hidden or channels, 10))

    def forward(self, x):
        return self.layers(torch.flatten(self.pool(x), 1))


def efficientnet():
    def excitation(channels):
        return SqueezeExcitation(channels, channels // 24 + 1, nn.SiLU(inplace=True), nn.Sigmoid())

    def block(*args):
        return InvertedBottleneck(*args, activation=nn.SiLU(inplace=True), excitation=excitation)

    return nn.Sequential(
        conv_norm(3, 20, 3, 2, activation=nn.SiLU(inplace=True)),
        block(20, 12, 3, 1, 1),
        block(12, 24, 3, 2, 6),
        block(24, 24, 3, 1, 6),
        block(24, 40, 5, 2, 6),
        block(40, 40, 5, 1, 6),
        conv_norm(40, 90, activation=nn.SiLU(inplace=True)),
        Classifier(90),
    )


def mobilenet_v2():
    def block(*args):
        return InvertedBottleneck(*args, activation=nn.ReLU6(inplace=True))

    return nn.Sequential(
        conv_norm(3, 16, 3, 2, activation=nn.ReLU6(inplace=True)),
        block(16, 24, 3, 2, 6),
        block(24, 24, 3, 1, 6),
        Classifier(24),
    )


def mobilenet_v3():
    def excitation(channels):
        return SqueezeExcitation(channels, 8, nn.ReLU(inplace=True), nn.Hardsigmoid(inplace=True))

    def block(*args):
        return InvertedBottleneck(
            *args, activation=nn.Hardswish(inplace=True), excitation=excitation
        )

    return nn.Sequential(
        conv_norm(3, 16, 3, 2, activation=nn.Hardswish(inplace=True)),
        block(16, 24, 3, 2, 3),
        block(24, 24, 5, 1, 3),
        Classifier(24, 50, nn.Hardswish(inplace=True)),
    )


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    def __init__(self, channels, approximate):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, 4 * channels)
        self.activation = nn.GELU(approximate)
        self.project = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.ones(channels, 1, 1) * 0.1)

    def forward(self, x):
        y = self.depthwise(x).permute(0, 2, 3, 1)
        y = self.project(self.activation(self.expand(self.norm(y))))
        return x + self.scale * y.permute(0, 3, 1, 2)


class ConvNext(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 4, 4), LayerNorm2d(24, eps=1e-6))
        self.first = ConvNextBlock(24, "none")
        self.downsample = nn.Sequential(LayerNorm2d(24, eps=1e-6), nn.Conv2d(24, 52, 2, 2))
        self.second = ConvNextBlock(52, "tanh")
        self.norm = LayerNorm2d(52, eps=1e-6)
        self.head = nn.Sequential(nn.Flatten(1), nn.Linear(52, 10))

    def forward(self, x):
        x = self.second(self.downsample(self.first(self.stem(x))))
        return self.head(self.norm(x.mean([-2, -1], keepdim=True)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, 2 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * growth)
        self.conv2 = nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features: List[torch.Tensor]):
        x = self.conv1(F.relu(self.norm1(torch.cat(features, 1)), inplace=True))
        return self.conv2(F.relu(self.norm2(x), inplace=True))


class DenseBlock(nn.Module):
    def __init__(self, layers, inputs, growth):
        super().__init__()
        self.layers = nn.ModuleList(
            DenseLayer(inputs + i * growth, growth) for i in range(layers)
        )

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(features))
        return torch.cat(features, 1)


def densenet():
    return nn.Sequential(
        conv_norm(3, 22, 7, 2, activation=nn.ReLU(inplace=True)),
        nn.MaxPool2d(3, 2, 1),
        DenseBlock(3, 22, 12),
        *[nn.BatchNorm2d(58), nn.ReLU(inplace=True), nn.Conv2d(58, 30, 1, bias=False)],
        nn.AvgPool2d(2, 2),
        DenseBlock(2, 30, 12),
        *[nn.BatchNorm2d(54), nn.ReLU(inplace=True)],
        Classifier(54),
    )


class Inception(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        relu = nn.ReLU(inplace=True)
        self.pointwise = conv_norm(inputs, 13, activation=relu)
        self.wide = nn.Sequential(
            nn.Conv2d(inputs, 9, (1, 7), padding=(0, 3)), nn.Conv2d(9, 11, (7, 1), padding="same")
        )
        self.pooled = conv_norm(inputs, 6, activation=relu)

    def forward(self, x):
        pooled = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)
        return torch.cat([self.pointwise(x), self.wide(x), self.pooled(pooled)], 1)


def inception():
    return nn.Sequential(
        conv_norm(3, 18, 3, 2, activation=nn.ReLU(inplace=True)),
        Inception(18),
        Inception(30),
        Classifier(30),
    )


class DilatedNet(nn.Module):
    """An atrous spatial pyramid, as in DeepLab."""

    def __init__(self):
        super().__init__()
        relu = nn.ReLU(inplace=True)
        self.stem = conv_norm(3, 24, 3, 4, activation=relu)
        self.dilated = conv_norm(24, 36, 3, dilation=2, activation=relu)
        self.grouped = conv_norm(36, 36, 3, groups=3, dilation=2)
        self.depthwise = conv_norm(36, 36, 3, groups=36, dilation=4)
        self.branches = nn.ModuleList(
            conv_norm(36, 20, 3, dilation=rate, activation=relu) for rate in (2, 6, 12)
        )
        self.pool = conv_norm(36, 60, activation=relu)
        self.head = nn.Conv2d(60, 10, 1)

    def forward(self, x):
        x = self.depthwise(self.grouped(self.dilated(self.stem(x))))
        pyramid: List[torch.Tensor] = []
        for branch in self.branches:
            pyramid.append(branch(x))
        x = torch.cat(pyramid, 1) + self.pool(F.adaptive_avg_pool2d(x, (1, 1)))
        return self.head(x).mean((2, 3))


NETWORKS = {
    "efficientnet": efficientnet,
    "mobilenet-v2": mobilenet_v2,
    "mobilenet-v3": mobilenet_v3,
    "convnext": ConvNext,
    "densenet": densenet,
    "inception": inception,
    "dilated": DilatedNet,
}
SHAPE = [5, 3, 61, 47]


def randomize(network):
    """Statistics and factors as after training: those of a new network hide mistakes."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)


def main(directory):
    for index, (name, build) in enumerate(NETWORKS.items()):
        torch.manual_seed(index)
        network = build()
        randomize(network)
        scripted = torch.jit.script(network.eval())
        images = torch.randn(SHAPE)
        with torch.inference_mode():
            logits = network(images)
        scripted.save(str(directory / f"{name}.pt"))
        (directory / f"{name}.input.f32").write_bytes(images.numpy().tobytes())
        (directory / f"{name}.logits.f32").write_bytes(logits.numpy().tobytes())
    (directory / "networks.json").write_text(json.dumps({"names": list(NETWORKS), "shape": SHAPE}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
