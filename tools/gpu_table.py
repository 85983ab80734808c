#!/usr/bin/env python3
"""gpu_table.py FOLDER: the table at the end of tools/gpu_check.sh.

FOLDER holds ours.json (gpu_check bench) and what the PyTorch programs wrote: mlp_eager.json, mlp_graph.json,
cnn_eager.json, cnn_graph.json, dreamer_eager.json, dreamer_graph.json. A file that is not there is a dash.
"""
import json
import os
import sys

# What is measured, its name in a peer's file and the batch there, and goals: of itself, against eager, against graph.
UPDATES = [
    ("dqn-mlp update, batch 32", "mlp", "train", 32, None, None, None),
    ("dqn-mlp update, batch 256", "mlp", "train", 256, None, 5.0, 1.3),
    ("dqn-cnn update, batch 32", "cnn", "train", 32, 3000, 4.0, 1.3),
    ("dqn-cnn update, batch 256", "cnn", "train", 256, None, None, None),
    ("dreamer update, 16 x 50", "dreamer", "update", [16, 50], 40, 4.0, 1.3),
]
LATENCIES = [
    ("dqn-mlp acting, p50", "mlp", "infer", 30),
    ("dqn-mlp acting, p99", "mlp", "infer", None),
    ("dqn-cnn acting, p50", "cnn", "infer", 60),
    ("dqn-cnn acting, p99", "cnn", "infer", None),
    ("dreamer acting, p50", "dreamer", "policy", 150),
    ("dreamer acting, p99", "dreamer", "policy", None),
]
SHARE_OF_COPY = 0.7


def read(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def result(peer, name, batch):
    for found in peer.get("results", []):
        if found["name"] == name and found["batch"] == batch:
            return found
    return None


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def line(name, ours, peer, ratio, goal, right):
    verdict = "" if right is None else "ok" if right else "BELOW"
    print(f"  {name:<40} {number(ours):>10} {number(peer):>10} {number(ratio):>8} {goal:>12} {verdict}".rstrip())


def compare(name, ours, peer, ratio, goal):
    right = None if goal is None or ratio is None else ratio >= goal
    line(name, ours, peer, ratio, "" if goal is None else f"{goal:g} times", right)


def updates(figures, folder):
    for name, kind, row, batch, own, *goals in UPDATES:
        ours = figures.get(name)
        if own is not None:
            line(name, ours, None, None, f"{own:g}/s", None if ours is None else ours >= own)
        for how, goal in zip(("eager", "graph"), goals):
            found = result(read(folder, f"{kind}_{how}.json"), row, batch)
            peer = found["per_s"]["median"] if found else None
            compare(f"{name}, {how}", ours, peer, ours / peer if ours and peer else None, goal)


def latencies(figures, folder):
    for name, kind, row, own in LATENCIES:
        ours = figures.get(name)
        if own is not None:
            line(name, ours, None, None, f"{own:g} us", None if ours is None else ours <= own)
        for how, peer_row in (("eager", row), ("graph", row + "_graph")):
            found = result(read(folder, f"{kind}_{how}.json"), peer_row, 1)
            peer = found["latency_us"][name[-3:]] if found else None
            compare(f"{name}, {how}", ours, peer, peer / ours if ours and peer else None, None)


def bandwidths(lines):
    copy = dict(lines).get("copy")
    if not copy:
        return
    print(f"\n  {'GB/s, each array moved once':<40} {'ours':>10} {'copy':>10} {'share':>8} {'goal':>12}")
    for name, rate in lines:
        if name != "copy":
            line(name, rate, copy, rate / copy, f"{SHARE_OF_COPY:g}", rate / copy >= SHARE_OF_COPY)


def main():
    folder = sys.argv[1]
    ours = read(folder, "ours.json")
    figures = ours.get("figures", {})
    if not figures:
        print("  no figures of ours: the benches did not run")
        return
    print(f"  {'updates/s; us of a decision':<40} {'ours':>10} {'peer':>10} {'ratio':>8} {'goal':>12}")
    updates(figures, folder)
    latencies(figures, folder)
    bandwidths(ours.get("bandwidths", []))


if __name__ == "__main__":
    main()
