#!/usr/bin/python3
"""Writes the ONNX models of this folder, and what PyTorch says each of them computes.

Weights are random. Made with Debian 12's python3-torch (1.13.1): /usr/bin/python3 export.py
"""
import json
import pathlib

import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent
ROWS = 16


class Normalised(nn.Module):
    """(x - mean) / deviation, then layers, as running statistics of the training are built in."""

    def __init__(self, inputs, layers):
        super().__init__()
        self.register_buffer("mean", torch.randn(inputs))
        self.register_buffer("deviation", torch.rand(inputs) + 0.5)
        self.layers = layers

    def forward(self, x):
        return self.layers((x - self.mean) / self.deviation)


class Products(nn.Module):
    """Matrix products with sums of their own, and a constant on the left."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.randn(7, 9) / 3)
        self.bias = nn.Parameter(torch.randn(9))
        self.second = nn.Parameter(torch.randn(3, 9) / 3)

    def forward(self, x):
        x = torch.relu(self.bias + (0.5 - x) @ self.first)
        return torch.matmul(x * 2.0, self.second.t()) - 0.25


class Squashed(nn.Module):
    """Actions within limits: tanh, then the middle and half the width of the range."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2), nn.Tanh())
        self.register_buffer("reach", torch.tensor([3.0, 0.5]))
        self.register_buffer("middle", torch.tensor([1.0, -0.25]))

    def forward(self, x):
        return self.layers(x) * self.reach + self.middle


class Single(nn.Module):
    """One observation without a batch, made a batch of one within; two matrices in a row."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 5), nn.Linear(5, 2))

    def forward(self, x):
        return self.layers(x.unsqueeze(0)).squeeze(0)


def export(name, module, shape, opset, dtype=torch.float32, batch=True, **options):
    module = module.to(dtype).eval()
    example = torch.randn(*shape, dtype=dtype)
    axes = {"dynamic_axes": {"obs": {0: "n"}, "act": {0: "n"}}} if batch else {}
    torch.onnx.export(module, example, str(FOLDER / f"{name}.onnx"), opset_version=opset,
                      input_names=["obs"], output_names=["act"], **axes, **options)
    observations = torch.randn(ROWS, shape[-1], dtype=dtype)
    rows = [module(x if len(shape) == 1 else x[None]).flatten().tolist() for x in observations]
    with open(FOLDER / f"{name}.json", "w") as file:
        json.dump({"shape": [1] * (len(shape) - 1) + [shape[-1]], "type": str(dtype).split(".")[1],
                   "observations": observations.tolist(), "actions": rows}, file)
        file.write("\n")


def main():
    torch.manual_seed(7)
    tanh = nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4))
    export("torch_normalised_tanh", Normalised(12, tanh), [1, 12], 13)
    export("torch_products", Products(), [1, 7], 9, do_constant_folding=False, keep_initializers_as_inputs=True)
    export("torch_squashed_float64", Squashed(), [1, 6], 11, dtype=torch.float64)
    export("torch_single", Single(), [4], 17, batch=False)


main()
