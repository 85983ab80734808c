#!/usr/bin/env python3
"""Writes conv_net_*.txt: one forward and backward pass of small convolutional Q-networks, computed by PyTorch in double
precision.

Independent of the engine: layers, gradients and spectral normalisation are torch's own; only the memory layouts differ
and are turned here (engine: images channels last, weights [kernel,kernel,in,out] and [in,out]).

  /usr/bin/python3 tests/golden/conv_net.py tests/golden
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
FRAMES, ACTIONS, BATCH = 2, 3, 3
RNG = np.random.default_rng(20261122)

# The kernels, strides and norms of the networks, with few channels so that the files stay small.
CASES = {
    "deepmind": dict(size=(36, 36), channels=(3, 4, 5), conv=((8, 4, 0), (4, 2, 0), (3, 1, 0)), groups=0, pool=0,
                     hidden=7, leaky_norm=False, head="single", noisy=False),
    "original": dict(size=(36, 38), channels=(4, 6, 6), conv=((8, 4, 0), (4, 2, 0), (3, 2, 0)), groups=2, pool=0,
                     hidden=6, leaky_norm=True, head="shared", noisy=False),
    "precise": dict(size=(12, 9), channels=(4, 6, 8), conv=((5, 1, 2), (3, 1, 1), (3, 1, 1)), groups=2, pool=2,
                    hidden=6, leaky_norm=True, head="shared", noisy=True),
    "impala": dict(size=(20, 20), channels=(3, 4, 4), conv=((3, 1, 1),) * 3, groups=0, pool=3, units=2,
                   hidden=5, leaky_norm=False, head="split", noisy=True),
}


def f32(x):
    """Values that a float holds exactly, so that both sides compute with the same ones."""
    return torch.tensor(np.asarray(x, dtype=np.float32).astype(np.float64))


class Net:
    def __init__(self, case):
        self.case, self.p, self.eps, self.u = case, {}, {}, {}
        c, (h, w) = FRAMES, case["size"]
        for i, (out, (k, s, p)) in enumerate(zip(case["channels"], case["conv"])):
            self.conv(f"conv{i}", c, out, k)
            h, w, c = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1, out
            if case["groups"]:
                self.p[f"conv{i}_norm.gain"] = f32(RNG.uniform(0.5, 1.5, (1, c)))
                self.p[f"conv{i}_norm.bias"] = f32(RNG.uniform(-0.5, 0.5, (1, c)))
            h, w = (h // 2, w // 2) if case["pool"] == 2 else ((h + 1) // 2, (w + 1) // 2) if case["pool"] else (h, w)
            for unit in range(case.get("units", 0)):
                for end in "ab":
                    name = f"conv{i}_unit{unit}_{end}"
                    self.conv(name, c, c, 3)
                    self.u[name] = f32(F.normalize(torch.tensor(RNG.normal(size=c)), dim=0))
        features = c * (36 if case.get("units") else h * w)
        for end in ["_value", "_advantage"] if case["head"] == "split" else [""]:
            self.linear(f"fc0{end}", features, case["hidden"])
            if case["leaky_norm"]:
                self.p[f"norm0{end}.gain"] = f32(RNG.uniform(0.5, 1.5, (1, case["hidden"])))
                self.p[f"norm0{end}.bias"] = f32(RNG.uniform(-0.5, 0.5, (1, case["hidden"])))
        for name, size in [("output", ACTIONS)] if case["head"] == "single" else [("value", 1), ("advantage", ACTIONS)]:
            self.linear(name, case["hidden"], size)
        for v in self.p.values():
            v.requires_grad_(True)

    def conv(self, name, c, out, k):
        bound = 1 / np.sqrt(k * k * c)
        self.p[name + ".weight"] = f32(RNG.uniform(-bound, bound, (k, k, c, out)))
        self.p[name + ".bias"] = f32(RNG.uniform(-bound, bound, (1, out)))

    def linear(self, name, n_in, n_out):
        bound = 1 / np.sqrt(n_in)
        self.p[name + ".weight"] = f32(RNG.uniform(-bound, bound, (n_in, n_out)))
        self.p[name + ".bias"] = f32(RNG.uniform(-bound, bound, (1, n_out)))
        if self.case["noisy"]:
            self.p[name + ".weight_sigma"] = f32(RNG.uniform(0, bound, (n_in, n_out)))
            self.p[name + ".bias_sigma"] = f32(RNG.uniform(0, bound, (1, n_out)))
            self.eps[name] = (f32(RNG.normal(size=n_in)), f32(RNG.normal(size=n_out)))

    def apply_conv(self, name, x, stride, padding):
        w = self.p[name + ".weight"].permute(3, 2, 0, 1)
        if name in self.u:
            # torch's own layer, with our u and one power iteration in its forward pass.
            layer = torch.nn.Conv2d(w.shape[1], w.shape[0], 3, padding=1)
            torch.nn.utils.spectral_norm(layer)
            del layer._parameters["weight_orig"]
            layer.weight_orig = w
            layer.weight_u = self.u[name].clone()
            for hook in layer.train()._forward_pre_hooks.values():
                hook(layer, (x,))
            self.u[name] = layer.weight_u
            w = layer.weight
        return F.conv2d(x, w, self.p[name + ".bias"][0], stride=stride, padding=padding)

    def apply_linear(self, name, x):
        w, b = self.p[name + ".weight"], self.p[name + ".bias"][0]
        if name in self.eps:
            e_in, e_out = self.eps[name]
            w = w + self.p[name + ".weight_sigma"] * torch.outer(e_in, e_out)
            b = b + self.p[name + ".bias_sigma"][0] * e_out
        return x @ w + b

    def hidden(self, end, x):
        y = self.apply_linear(f"fc0{end}", x)
        if not self.case["leaky_norm"]:
            return F.relu(y)
        return F.leaky_relu(F.layer_norm(y, y.shape[1:], self.p[f"norm0{end}.gain"][0], self.p[f"norm0{end}.bias"][0],
                                         1e-5), 0.01)

    def __call__(self, frames):
        case = self.case
        x = frames / 255
        for i, (_, s, p) in enumerate(case["conv"]):
            x = self.apply_conv(f"conv{i}", x, s, p)
            if case["groups"]:
                x = F.group_norm(x, case["groups"], self.p[f"conv{i}_norm.gain"][0], self.p[f"conv{i}_norm.bias"][0], 1e-5)
            if case["pool"] != 3:
                x = F.relu(x)
            if case["pool"]:
                x = F.max_pool2d(x, 2) if case["pool"] == 2 else F.max_pool2d(x, 3, 2, 1)
            for unit in range(case.get("units", 0)):
                y = self.apply_conv(f"conv{i}_unit{unit}_a", F.relu(x), 1, 1)
                x = x + self.apply_conv(f"conv{i}_unit{unit}_b", F.relu(y), 1, 1)
        if case.get("units"):
            x = F.relu(F.adaptive_max_pool2d(x, 6))
        x = x.permute(0, 2, 3, 1).flatten(1)
        if case["head"] == "single":
            return self.apply_linear("output", self.hidden("", x))
        split = case["head"] == "split"
        v = self.apply_linear("value", self.hidden("_value" if split else "", x))
        a = self.apply_linear("advantage", self.hidden("_advantage" if split else "", x))
        return v + a - a.mean(1, keepdim=True)


def run(name, case, folder):
    net = Net(case)
    frames = RNG.integers(0, 256, (BATCH, FRAMES, *case["size"]))
    factors = f32(RNG.uniform(-1, 1, (BATCH, ACTIONS)))
    start = {k: v.clone() for k, v in net.u.items()}
    q = net(torch.tensor(frames, dtype=torch.float64))
    (q * factors).sum().backward()
    lines = []

    def put(kind, what, values):
        lines.append(f"{kind} {what} " + " ".join(f"{float(v):.9g}" for v in np.asarray(values).ravel()))
    put("frames", "all", frames)
    put("factors", "all", factors)
    put("q", "all", q.detach())
    for k, v in net.p.items():
        put("parameter", k, v.detach())
        put("gradient", k, v.grad)
    for k in start:
        put("parameter", k + ".u", start[k])
        put("after", k + ".u", net.u[k].detach())
    for k, (e_in, e_out) in net.eps.items():
        put("eps", k, torch.cat([e_in, e_out]))
    with open(f"{folder}/conv_net_{name}.txt", "w") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    torch.manual_seed(1)
    for name, case in CASES.items():
        run(name, case, sys.argv[1])
