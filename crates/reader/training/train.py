#!/usr/bin/env python3
"""Trains the net on strips, and says after each round how many unseen strips it reads whole.

    train.py TRAIN.npz CHECK.npz --out line.pt [--rounds 12]

One thread and fixed seeds, so that the same strips give the same net on the same machine and release of torch.
"""
import argparse

import numpy as np
import torch
from torch.nn import functional

from net import LineNet, as_input, decoded
from strips import DIGITS, IGNORE

BATCH = 32
RATE_MAX = 3e-3


def varied(pixels, rng):
    """The same strips in other light, with other noise, and a row higher or lower."""
    batch = as_input(pixels)
    count = len(batch)
    batch = batch * (torch.rand(count, 1, 1, 1) * .6 + .6) + torch.randn(count, 1, 1, 1) * 10
    if rng.random() < .5:
        batch = batch + torch.randn_like(batch) * rng.uniform(0, 6)
    return torch.roll(batch, int(rng.integers(-1, 2)), 2)


def targets_of(targets):
    batch = torch.from_numpy(targets.astype(np.int64))
    batch[batch == IGNORE] = -100  # torch's own word for "does not count"
    return batch


def share_read(net, check):
    """Share of whole lines read exactly, and of all strips."""
    truth = [''.join(map(str, row[row != IGNORE])) for row in check['digits']]
    net.eval()
    with torch.no_grad():
        read = []
        for start in range(0, len(truth), 100):
            read += decoded(net(as_input(check['pixels'][start:start + 100])))
    right = np.array([one == other for one, other in zip(read, truth)])
    whole = np.array([len(text) == DIGITS for text in truth])
    return right[whole].mean(), right.mean()


def train(net, strips, check, rounds, out):
    rng = np.random.default_rng(0)
    batches = len(strips['pixels']) // BATCH
    optimiser = torch.optim.AdamW(net.parameters(), RATE_MAX, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE_MAX, rounds * batches, pct_start=.15)
    pixels, targets = strips['pixels'], strips['targets']
    for number in range(1, rounds + 1):
        net.train()
        total = 0.
        order = rng.permutation(len(pixels))
        for start in range(0, batches * BATCH, BATCH):
            chosen = order[start:start + BATCH]
            loss = functional.cross_entropy(net(varied(pixels[chosen], rng)), targets_of(targets[chosen]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        whole, every = share_read(net, check)
        print(f'round {number}: loss {total / batches:.4f}, whole lines {whole:.3f}, all strips {every:.3f}', flush=True)
        torch.save(net.state_dict(), out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('strips')
    parser.add_argument('check')
    parser.add_argument('--out', default='line.pt')
    parser.add_argument('--rounds', type=int, default=12)
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    strips, check = ({**np.load(path)} for path in (options.strips, options.check))
    train(LineNet(), strips, check, options.rounds, options.out)


if __name__ == '__main__':
    main()
