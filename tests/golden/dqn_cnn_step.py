#!/usr/bin/env python3
"""Writes dqn_cnn_step_*.txt: ten training steps of small DQN networks that see frames, computed by PyTorch in double
precision. Loss, optimiser and random numbers are those of dqn_step.py; here are the convolutional networks.

Memory layouts are turned here (engine: images channels last, weights [kernel,kernel,in,out] and [in,out]).

  /usr/bin/python3 tests/golden/dqn_cnn_step.py tests/golden
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

import dqn_step
from dqn_step import ACTIONS, BATCH, Words, f32

FRAMES = 2


class Net(dqn_step.Net):
    def __init__(self, case, init):
        self.case, self.p, self.eps_layout = case, {}, []
        c, (h, w) = FRAMES, case["size"]
        for i, (out, (k, s, p)) in enumerate(zip(case["channels"], case["conv"])):
            bound = np.float32(1) / np.sqrt(np.float32(k * k * c))
            for name, shape in (("weight", (k, k, c, out)), ("bias", (1, out))):
                self.p[f"conv{i}.{name}"] = torch.tensor([
                    f32(np.float32(np.float32(2) * np.float32(init.uniform()) - np.float32(1)) * bound)
                    for _ in range(int(np.prod(shape)))]).reshape(shape)
            h, w, c = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1, out
            if case["groups"]:
                self.p[f"conv{i}_norm.gain"], self.p[f"conv{i}_norm.bias"] = torch.ones(1, c), torch.zeros(1, c)
            if case["pool"]:
                h, w = h // 2, w // 2
        self.add("fc0", c * h * w, case["hidden"][0], case["noisy"], init)
        if case["layer_norm"]:
            self.p["norm0.gain"], self.p["norm0.bias"] = torch.ones(1, case["hidden"][0]), torch.zeros(1, case["hidden"][0])
        for name, size in [("output", ACTIONS)] if case["head"] == "single" else [("value", 1), ("advantage", ACTIONS)]:
            self.add(name, case["hidden"][0], size, case["noisy"], init)
        for v in self.p.values():
            v.requires_grad_(True)

    def resample(self, words):
        if self.eps_layout:
            super().resample(words)

    def __call__(self, frames):
        x = frames / 255
        for i, (_, s, p) in enumerate(self.case["conv"]):
            x = F.conv2d(x, self.p[f"conv{i}.weight"].permute(3, 2, 0, 1), self.p[f"conv{i}.bias"][0], stride=s, padding=p)
            if self.case["groups"]:
                x = F.group_norm(x, self.case["groups"], self.p[f"conv{i}_norm.gain"][0], self.p[f"conv{i}_norm.bias"][0],
                                 1e-5)
            x = F.relu(x)
            if self.case["pool"]:
                x = F.max_pool2d(x, 2)
        return super().__call__(x.permute(0, 2, 3, 1).flatten(1))


def main(folder):
    for name, case in {
            "deepmind": dict(size=(36, 36), channels=(3, 4, 5), conv=((8, 4, 0), (4, 2, 0), (3, 1, 0)), groups=0, pool=0,
                             hidden=[7], noisy=True, layer_norm=False, head="shared", leaky=False, lr=1e-3, clip=0.5,
                             double=True, delta=1.0, rate=1.0),
            "precise": dict(size=(12, 9), channels=(4, 6, 8), conv=((5, 1, 2), (3, 1, 1), (3, 1, 1)), groups=2, pool=2,
                            hidden=[6], noisy=False, layer_norm=True, head="single", leaky=True, lr=1e-3, clip=0,
                            double=False, delta=0.0, rate=0.1)}.items():
        bytes_of = Words(9)

        def stacks():
            shape = (BATCH, FRAMES, *case["size"])
            return np.array([bytes_of.word() >> 24 for _ in range(int(np.prod(shape)))], dtype=np.float64).reshape(shape)
        dqn_step.run(case, f"{folder}/dqn_cnn_step_{name}.txt", Net, lambda: (stacks(), stacks()))


if __name__ == "__main__":
    main(sys.argv[1])
