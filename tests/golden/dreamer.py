#!/usr/bin/env python3
"""Writes dreamer_*.txt: the losses of a small DreamerV2 and the gradient of every tensor, computed by PyTorch in double
precision.

Independent of the engine: layers, transposed convolutions, layer norm and gradients are torch's own; only the memory
layouts differ and are turned here (engine: images channels last, weights [kernel,kernel,in,out], [kernel,kernel,out,in]
of a transposed convolution, and [in,out]). All inputs come from one formula, drawn(), which the test repeats.

  /usr/bin/python3 tests/golden/dreamer.py tests/golden
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
SIDE, ACTIONS, DETER, HIDDEN, VARIABLES, CLASSES, DEPTH, UNITS, LAYERS = 64, 3, 5, 6, 3, 4, 1, 5, 2
BATCH, STEPS, HORIZON = 2, 3, 4
LATENT = VARIABLES * CLASSES
FEATURE = LATENT + DETER
GAMMA, LAMBDA, ENTROPY = 0.9, 0.95, 0.01


def drawn(kind, count):
    """Numbers in [0, 1) with 24 bits, by a multiplicative hash of (kind, index)."""
    i = np.arange(count, dtype=np.uint64) + np.uint64(kind * 1000003)
    x = (i * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    return (x >> np.uint64(8)).astype(np.float64) / 2.0**24


def layer(name, n_in, n_out, bias=True):
    return [(name + ".weight", (n_in, n_out))] + ([(name + ".bias", (1, n_out))] if bias else [])


def head(name, n_out):
    names = []
    for i in range(LAYERS):
        names += layer(f"{name}.fc{i}", FEATURE if i == 0 else UNITS, UNITS)
    return names + layer(f"{name}.output", UNITS, n_out)


def world_names():
    names, c = [], 1
    for i in range(4):
        names += [(f"encoder{i}.weight", (4, 4, c, DEPTH << i)), (f"encoder{i}.bias", (1, DEPTH << i))]
        c = DEPTH << i
    c = 32 * DEPTH
    for i, (out, k) in enumerate(((4 * DEPTH, 5), (2 * DEPTH, 5), (DEPTH, 6), (1, 6))):
        names += [(f"decoder{i}.weight", (k, k, out, c)), (f"decoder{i}.bias", (1, out))]
        c = out
    embed = 32 * DEPTH
    names += layer("decoder_in", FEATURE, 32 * DEPTH) + layer("img_in", LATENT + ACTIONS, HIDDEN)
    names += layer("gru", HIDDEN + DETER, 3 * DETER) + layer("img_out", DETER, HIDDEN)
    names += layer("img_logits", HIDDEN, LATENT) + layer("obs_out_deter", DETER, HIDDEN, False)
    names += layer("obs_out_embed", embed, HIDDEN) + layer("obs_logits", HIDDEN, LATENT)
    names += [("gru_norm.gain", (1, 3 * DETER)), ("gru_norm.bias", (1, 3 * DETER))]
    return names + head("reward", 1) + head("discount", 1)


def parameters(kind, names):
    values = torch.tensor((drawn(kind, sum(int(np.prod(s)) for _, s in names)) - 0.5).astype(np.float32).astype(float))
    params, at = {}, 0
    for name, shape in names:
        size = int(np.prod(shape))
        params[name] = values[at:at + size].reshape(shape).clone().requires_grad_()
        at += size
    return params


def apply_head(p, name, x):
    for i in range(LAYERS):
        x = F.elu(x @ p[f"{name}.fc{i}.weight"] + p[f"{name}.fc{i}.bias"])
    return x @ p[f"{name}.output.weight"] + p[f"{name}.output.bias"]


def sample(logits, classes, noise):
    """Straight-through one-hot of each run of classes."""
    p = logits.reshape(len(logits), -1, classes).softmax(-1)
    pick = (p.cumsum(-1) > noise.unsqueeze(-1)).double().argmax(-1)
    hard = F.one_hot(pick, classes).double()
    return (hard + p - p.detach()).reshape(len(logits), -1)


class World:
    def __init__(self, p):
        self.p = p

    def dense(self, name, x):
        return x @ self.p[name + ".weight"] + self.p[name + ".bias"]

    def embed(self, x):
        for i in range(4):
            x = F.elu(F.conv2d(x, self.p[f"encoder{i}.weight"].permute(3, 2, 0, 1), self.p[f"encoder{i}.bias"][0], 2))
        return x.permute(0, 2, 3, 1).flatten(1)

    def decode(self, feature):
        x = self.dense("decoder_in", feature).reshape(-1, 32 * DEPTH, 1, 1)
        for i in range(4):
            x = F.conv_transpose2d(x, self.p[f"decoder{i}.weight"].permute(3, 2, 0, 1), self.p[f"decoder{i}.bias"][0], 2)
            x = F.elu(x) if i < 3 else x
        return x

    def cell(self, z, action, h):
        x = F.elu(self.dense("img_in", torch.cat([z, action], -1)))
        gates = self.dense("gru", torch.cat([x, h], -1))
        gates = F.layer_norm(gates, gates.shape[-1:], self.p["gru_norm.gain"][0], self.p["gru_norm.bias"][0], 1e-3)
        reset, candidate, update = gates.chunk(3, -1)
        candidate = torch.tanh(reset.sigmoid() * candidate)
        update = (update - 1).sigmoid()
        return update * candidate + (1 - update) * h

    def prior(self, h):
        return self.dense("img_logits", F.elu(self.dense("img_out", h)))

    def posterior(self, h, embed):
        both = torch.cat([self.p["obs_out_deter.weight"], self.p["obs_out_embed.weight"]])
        return self.dense("obs_logits", F.elu(torch.cat([h, embed], -1) @ both + self.p["obs_out_embed.bias"]))


def tensor(kind, *shape):
    return torch.tensor(drawn(kind, int(np.prod(shape))).reshape(shape))


def one_hot(kind, rows):
    return F.one_hot(torch.tensor((drawn(kind, rows) * ACTIONS).astype(int)), ACTIONS).double()


def divergence(p, q):
    lp, lq = (x.reshape(len(x), -1, CLASSES).log_softmax(-1) for x in (p, q))
    return (lp.exp() * (lp - lq)).sum((-1, -2))


def overshooting(world, z, h, action, keep, reward, discount, weight, noise, ahead):
    """Losses of reward and discount 1 .. ahead imagined steps after every state, over the number of steps."""
    reward_loss = discount_loss = 0
    same = torch.ones(len(z), 1)
    drawn_rows = 0
    for k in range(1, ahead + 1):
        count = BATCH * (STEPS - k)
        then = slice(k * BATCH, None)
        h = world.cell(z[:count], action[then], h[:count])
        z = sample(world.prior(h), CLASSES, noise[drawn_rows:drawn_rows + count])
        drawn_rows += count
        same = same[:count] * keep[then]
        w = weight[then] * same[:, 0]
        feature = torch.cat([z, h], -1)
        reward_loss += (w * 0.5 * (apply_head(world.p, "reward", feature) - reward[then]).square()[:, 0]).sum() / ahead
        p = apply_head(world.p, "discount", feature)[:, 0].sigmoid()
        label = discount[then, 0]
        discount_loss -= (w * (label * p.log() + (1 - label) * (1 - p).log())).sum() / ahead
    return reward_loss, discount_loss


def world_pass(world, weight, lit_weight, ahead):
    rows = BATCH * STEPS
    images = torch.tensor(np.floor(drawn(10, rows * SIDE * SIDE) * 256)).reshape(rows, 1, SIDE, SIDE) / 255 - 0.5
    keep = torch.ones(rows, 1)
    keep[:BATCH] = 0
    keep[2 * BATCH - 1] = 0  # an episode begins inside a sequence
    action = one_hot(11, rows) * keep
    reward = torch.tanh(2 * tensor(12, rows, 1) - 1).float().double()
    discount = torch.full((rows, 1), float(np.float32(GAMMA)))
    discount[3] = 0
    noise = tensor(13, rows + sum(BATCH * (STEPS - k) for k in range(1, ahead + 1)), VARIABLES)
    embed = world.embed(images)
    z, h, zs, hs, posts = torch.zeros(BATCH, LATENT), torch.zeros(BATCH, DETER), [], [], []
    for t in range(STEPS):
        now = slice(t * BATCH, (t + 1) * BATCH)
        h = world.cell(z * keep[now], action[now], h * keep[now])
        posts.append(world.posterior(h, embed[now]))
        z = sample(posts[-1], CLASSES, noise[now])
        zs.append(z), hs.append(h)
    z, h, post = torch.cat(zs), torch.cat(hs), torch.cat(posts)
    feature = torch.cat([z, h], -1)
    lit = torch.where(images > 0.25, lit_weight, 1.0)
    image_loss = (0.5 * lit * (world.decode(feature) - images).square()).sum((1, 2, 3))
    reward_loss = 0.5 * (apply_head(world.p, "reward", feature) - reward).square()[:, 0]
    probability = apply_head(world.p, "discount", feature).sigmoid()
    discount_loss = -(discount * probability.log() + (1 - discount) * (1 - probability).log())[:, 0]
    prior = world.prior(h)
    kl = 0.8 * divergence(post.detach(), prior) + 0.2 * divergence(post, prior.detach())
    losses = [(x * weight).sum() for x in (image_loss, reward_loss, discount_loss, kl)]
    loss = losses[0] + losses[1] + 5 * losses[2] + 0.1 * losses[3]
    if ahead > 0:
        foretold = overshooting(world, z, h, action, keep, reward, discount, weight, noise[rows:], ahead)
        loss = loss + foretold[0] + 5 * foretold[1]
        losses += foretold
    return losses, loss, z.detach(), h.detach(), discount[:, 0]


def behaviour(world, actor, critic, slow, z, h, discount, weight, share):
    starts = len(z)
    action_noise, noise = tensor(20, HORIZON, starts, 1), tensor(21, HORIZON, starts, VARIABLES)
    feats, logits, actions = [torch.cat([z, h], -1)], [], []
    for t in range(HORIZON):
        logits.append(apply_head(actor, "actor", feats[-1].detach()))
        action = sample(logits[-1], ACTIONS, action_noise[t])
        actions.append(action.detach())
        h = world.cell(z, action if share < 1 else action.detach(), h)
        z = sample(world.prior(h), CLASSES, noise[t])
        feats.append(torch.cat([z, h], -1))
    feats = torch.stack(feats)
    reward = apply_head(world.p, "reward", feats)[..., 0]
    gamma = apply_head(world.p, "discount", feats)[..., 0].sigmoid()
    gamma = torch.cat([discount[None], gamma[1:]])
    value = apply_head(slow, "critic", feats)[..., 0]
    back, returns = value[HORIZON], []
    for t in reversed(range(HORIZON)):
        back = reward[t] + gamma[t] * ((1 - LAMBDA) * value[t + 1] + LAMBDA * back)
        returns.insert(0, back)
    returns = torch.stack(returns)
    w = (weight * torch.cumprod(torch.cat([torch.ones(1, starts), gamma[:HORIZON - 1]]), 0)).detach()
    log_pi = torch.stack(logits)[:-1].log_softmax(-1)
    chosen = (log_pi * torch.stack(actions)[:-1]).sum(-1)
    entropy = -(log_pi.exp() * log_pi).sum(-1)
    advantage = (returns[1:] - value[:HORIZON - 1]).detach()
    objective = share * chosen * advantage + (1 - share) * returns[1:] + ENTROPY * entropy
    actor_loss = -(w[:-1] * objective).sum() / (HORIZON - 1)
    error = apply_head(critic, "critic", feats[:HORIZON].detach())[..., 0] - returns.detach()
    return actor_loss, (w * 0.5 * error.square()).sum() / HORIZON


def write(folder, case, share, lit_weight, ahead):
    world = World(parameters(1, world_names()))
    actor, critic = parameters(2, head("actor", ACTIONS)), parameters(3, head("critic", 1))
    slow = {k: v.detach() for k, v in parameters(4, head("critic", 1)).items()}
    weight = torch.ones(BATCH * STEPS)
    weight[5] = 0  # padded
    weight /= weight.sum()
    losses, loss, z, h, discount = world_pass(world, weight, lit_weight, ahead)
    loss.backward()
    frozen = World({k: v.detach() for k, v in world.p.items()})
    actor_loss, critic_loss = behaviour(frozen, actor, critic, slow, z, h, discount, weight, share)
    (actor_loss + critic_loss).backward()
    with open(f"{folder}/dreamer_{case}.txt", "w") as out:
        def line(name, values):
            print(name, *(f"{v:.7g}" for v in np.asarray(values).ravel()), file=out)
        line("loss world", [loss.item()])
        names = ("image", "reward", "discount", "kl", "foretold_reward", "foretold_discount")
        for name, value in zip(names, losses):
            line("loss " + name, [value.item()])
        line("loss actor", [actor_loss.item()])
        line("loss critic", [critic_loss.item()])
        line("state deter", h.numpy())
        line("state stoch", z.numpy())
        for group, params in (("world", world.p), ("actor", actor), ("critic", critic)):
            for name, p in params.items():
                line(f"{group} {name}", p.grad.numpy())


write(sys.argv[1], "reinforce", 1.0, 1.0, 0)
write(sys.argv[1], "mixed", 0.75, 4.0, 0)
write(sys.argv[1], "overshooting", 1.0, 1.0, 2)
