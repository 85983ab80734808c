#!/usr/bin/env python3
"""Writes dqn_step_*.txt: ten training steps of small DQN networks, computed by PyTorch in double precision.

Independent of the engine: the layers are torch operations, gradients are torch's, Adam and clipping are torch's own,
the random numbers are Philox4x32-10 written out here, and the normal numbers come from torch.erfinv.

  /usr/bin/python3 tests/golden/dqn_step.py tests/golden
"""
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
SEED, ACTIONS, OBSERVATION, BATCH, STEPS = 12345, 3, 5, 6, 10


def philox(key, low, high):
    mask = 0xFFFFFFFF
    c = [low & mask, low >> 32, high & mask, high >> 32]
    k = [key & mask, key >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


class Words:
    """A stream of 32-bit words; noise starts at a whole block every time."""

    def __init__(self, stream):
        self.stream, self.block, self.spare = stream, 0, []

    def word(self):
        if not self.spare:
            self.spare = philox(SEED, self.block, self.stream)
            self.block += 1
        return self.spare.pop(0)

    def uniform(self):
        return (self.word() >> 8) * 2.0 ** -24

    def noise(self, count):
        self.spare = []
        u = torch.tensor([((self.word() >> 9) + 0.5) / 2 ** 23 for _ in range(count)])
        x = math.sqrt(2) * torch.erfinv(2 * u - 1)
        return x.sign() * x.abs().sqrt()


def f32(x):
    return float(np.float32(x))


class Net:
    def __init__(self, case, init):
        self.case, self.p, self.eps_layout = case, {}, []
        hidden = case["hidden"]
        width = OBSERVATION
        for i, size in enumerate(hidden):
            ends = ["_value", "_advantage"] if case["head"] == "split" and i + 1 == len(hidden) else [""]
            for end in ends:
                self.add(f"fc{i}{end}", width, size, case["noisy"] and (i > 0 or case["noisy_first"]), init)
                if case["layer_norm"]:
                    self.p[f"norm{i}{end}.gain"] = torch.ones(1, size)
                    self.p[f"norm{i}{end}.bias"] = torch.zeros(1, size)
            width = size
        for name, size in [("output", ACTIONS)] if case["head"] == "single" else [("value", 1), ("advantage", ACTIONS)]:
            self.add(name, width, size, case["noisy"], init)
        for v in self.p.values():
            v.requires_grad_(True)

    def add(self, name, n_in, n_out, noisy, init):
        bound = np.float32(1) / np.sqrt(np.float32(n_in))
        draw = lambda *s: torch.tensor([f32(np.float32(np.float32(2) * np.float32(init.uniform()) - np.float32(1)) * bound)
                                        for _ in range(int(np.prod(s)))]).reshape(s)
        self.p[name + ".weight"] = draw(n_in, n_out)
        self.p[name + ".bias"] = draw(1, n_out)
        if noisy:
            sigma = f32(np.float32(0.5) * bound)
            self.p[name + ".weight_sigma"] = torch.full((n_in, n_out), sigma)
            self.p[name + ".bias_sigma"] = torch.full((1, n_out), sigma)
            self.eps_layout.append((name, n_in, n_out))

    def resample(self, words):
        flat = words.noise(sum(i + o for _, i, o in self.eps_layout))
        self.eps, at = {}, 0
        for name, i, o in self.eps_layout:
            self.eps[name] = (flat[at:at + i], flat[at + i:at + i + o])
            at += i + o

    def linear(self, name, x):
        w, b = self.p[name + ".weight"], self.p[name + ".bias"]
        if name + ".weight_sigma" in self.p:
            e_in, e_out = self.eps[name]
            w = w + self.p[name + ".weight_sigma"] * torch.outer(e_in, e_out)
            b = b + self.p[name + ".bias_sigma"] * e_out
        return x @ w + b

    def hidden(self, i, end, x):
        y = self.linear(f"fc{i}{end}", x)
        if self.case["layer_norm"]:
            y = F.layer_norm(y, y.shape[1:], self.p[f"norm{i}{end}.gain"][0], self.p[f"norm{i}{end}.bias"][0], 1e-5)
        return F.leaky_relu(y, 0.01) if self.case["leaky"] else F.relu(y)

    def __call__(self, x):
        last = len(self.case["hidden"]) - 1
        split = self.case["head"] == "split"
        for i in range(last + (0 if split else 1)):
            x = self.hidden(i, "", x)
        if self.case["head"] == "single":
            return self.linear("output", x)
        v = self.linear("value", self.hidden(last, "_value", x) if split else x)
        a = self.linear("advantage", self.hidden(last, "_advantage", x) if split else x)
        return v + a - a.mean(1, keepdim=True)


def run(case, path, make_net=Net, observations=None):
    """observations: draws s and s2 where both sides can, so that they need not be written."""
    online, target = make_net(case, Words(0)), make_net(case, Words(0))
    noise, target_noise = Words(1), Words(2)
    params = list(online.p.values())
    adam = torch.optim.Adam(params, lr=case["lr"], eps=1.5e-4)
    rng = np.random.RandomState(7)
    real = lambda *s: np.float32(rng.uniform(-1, 1, s)).astype(np.float64)
    lines = []
    out = lambda name, values: lines.append(name + " " + " ".join("%.10g" % v for v in np.asarray(values).ravel()))
    for name, value in online.p.items():
        out("initial " + name, value.detach().numpy())
    for step in range(STEPS):
        s, s2 = observations() if observations else (real(BATCH, OBSERVATION), real(BATCH, OBSERVATION))
        a, r = rng.randint(0, ACTIONS, BATCH), np.float32(3 * real(BATCH)).astype(np.float64)
        d = np.float32(np.where(rng.uniform(size=BATCH) < 0.3, 0.0, 0.97)).astype(np.float64)
        w = np.float32(rng.uniform(0.3, 1, BATCH)).astype(np.float64)
        online.resample(noise)
        target.resample(target_noise)
        q_all = online(torch.tensor(s))
        q = q_all.gather(1, torch.tensor(a).unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            next_q = target(torch.tensor(s2))
            best = (online(torch.tensor(s2)) if case["double"] else next_q).argmax(1, keepdim=True)
            y = torch.tensor(r) + torch.tensor(d) * next_q.gather(1, best).squeeze(1)
        if case["delta"] > 0:
            each = F.huber_loss(q, y, reduction="none", delta=case["delta"])
        else:
            each = 0.5 * (q - y) ** 2
        loss = (torch.tensor(w) * each).mean()
        adam.zero_grad()
        loss.backward()
        if step == 0:
            for name, value in online.p.items():
                out("gradient " + name, value.grad.numpy())
        norm = torch.nn.utils.clip_grad_norm_(params, case["clip"] if case["clip"] > 0 else math.inf)
        adam.step()
        if case["rate"] < 1 or step == 4:
            with torch.no_grad():
                for t, p in zip(target.p.values(), params):
                    t += case["rate"] * (p - t)
        for name, value in ([] if observations else [("s", s), ("s2", s2)]) + [("a", a), ("r", r), ("d", d), ("w", w), ("loss", loss.item()),
                            ("mean_q", q.mean().item()), ("norm", norm.item()), ("td", (q - y).abs().detach().numpy())]:
            out(f"step{step} {name}", value)
    for name, value in online.p.items():
        out("final " + name, value.detach().numpy())
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    folder = sys.argv[1]
    run(dict(hidden=[8, 7], noisy=True, noisy_first=False, layer_norm=False, head="shared", leaky=False, lr=1e-2,
             clip=0.5, double=True, delta=1.0, rate=1.0), folder + "/dqn_step_shared.txt")
    run(dict(hidden=[8, 7], noisy=True, noisy_first=True, layer_norm=True, head="split", leaky=True, lr=1e-2,
             clip=0, double=False, delta=0.0, rate=0.1), folder + "/dqn_step_split.txt")
    run(dict(hidden=[9], noisy=False, noisy_first=False, layer_norm=False, head="single", leaky=False, lr=1e-2,
             clip=10, double=True, delta=0.5, rate=1.0), folder + "/dqn_step_single.txt")
