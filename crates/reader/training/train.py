#!/usr/bin/env python3
"""Trains the net on strips that `cargo xtask bench read strips` wrote.

    train.py --out line.bin --check CHECK.strips STRIPS[:times] … [--from ../model/line.bin] [--rounds 8]

One thread and fixed seeds, so that the same strips give the same net on the same machine and release of torch. After
each round the net is written, with all that is needed to go on beside it (`line.bin.state`): started again with the
same arguments, it goes on where it was.
"""
import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch

import net as nets

ROWS, COLUMNS = 32, 336
ANSWERS = COLUMNS // 4
DOUBTFUL, IGNORE = 20, 255
BATCH = 32
# What the net should say of a digit that is damaged: seen, but below the reader's bound.
DOUBT = .6
# Steps of weights fall towards the end of training.
RATE_FROM_NOTHING, RATE_ONWARDS = 3e-3, 1e-3


def strips(path):
    """Pixels and targets of a file."""
    records = np.fromfile(path, np.uint8).reshape(-1, ROWS * COLUMNS + ANSWERS)
    return records[:, :ROWS * COLUMNS].reshape(-1, ROWS, COLUMNS), records[:, ROWS * COLUMNS:]


def gathered(names):
    """All files together; `name:3` counts three times."""
    parts = []
    for name in names:
        path, _, times = name.partition(':')
        parts += [strips(path)] * int(times or 1)
    return tuple(np.concatenate(values) for values in zip(*parts))


def varied(pixels, rng):
    """The same strips in other light, with other noise, and some rows or columns elsewhere."""
    batch = torch.from_numpy(pixels[:, None].astype(np.float32))
    count = len(batch)
    batch = batch * (torch.rand(count, 1, 1, 1) * .6 + .6) + torch.randn(count, 1, 1, 1) * 10
    if rng.random() < .4:
        batch = batch + torch.randn_like(batch) * rng.uniform(0, 6)
    return torch.roll(batch, int(rng.integers(-1, 2)), 2)


def wanted(targets):
    """The share of each class that the net should give, and which answers count."""
    targets = torch.from_numpy(targets.astype(np.int64))
    counts = targets != IGNORE
    doubtful = counts & (targets >= DOUBTFUL)
    classes = torch.where(counts, targets - DOUBTFUL * doubtful, nets.BLANK)
    shares = torch.nn.functional.one_hot(classes, nets.CLASSES).float()
    shares[doubtful] *= DOUBT
    shares[..., nets.BLANK] += (1 - DOUBT) * doubtful
    return shares, counts


def loss_of(net, pixels, targets):
    shares, counts = wanted(targets)
    scores = torch.nn.functional.log_softmax(net(pixels), 1).transpose(1, 2)
    return -((shares * scores).sum(2) * counts).sum() / counts.sum()


def errors(net, pixels, targets):
    """Of the answers that show an undamaged digit: the share that is surely wrong, and that is not sure."""
    net.eval()
    wrong = unsure = shown = 0
    with torch.no_grad():
        for start in range(0, len(pixels), 256):
            batch = torch.from_numpy(pixels[start:start + 256, None].astype(np.float32))
            best, guess = torch.softmax(net(batch), 1).max(1)
            target = torch.from_numpy(targets[start:start + 256].astype(np.int64))
            counts = target < nets.BLANK
            wrong += int((counts & (guess != target) & (best >= .9)).sum())
            unsure += int((counts & (best < .9)).sum())
            shown += int(counts.sum())
    return wrong / shown, unsure / shown


def train(net, data, check, options):
    pixels, targets = data
    batches = len(pixels) // BATCH
    rate = RATE_ONWARDS if options.source else RATE_FROM_NOTHING
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, options.rounds * batches, pct_start=.1)
    state_file, first = Path(options.out + '.state'), 1
    if state_file.exists():
        state = torch.load(state_file)
        net.load_state_dict(state['net'])
        optimiser.load_state_dict(state['optimiser'])
        schedule.load_state_dict(state['schedule'])
        first = state['round'] + 1
    for number in range(first, options.rounds + 1):
        rng = np.random.default_rng([options.seed, number])
        torch.manual_seed(options.seed * 1000 + number)
        net.train()
        total = 0.
        order = rng.permutation(len(pixels))
        for start in range(0, batches * BATCH, BATCH):
            chosen = order[start:start + BATCH]
            loss = loss_of(net, varied(pixels[chosen], rng), targets[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        wrong, unsure = errors(net, *check)
        nets.save(net, options.out)
        torch.save({'net': net.state_dict(), 'optimiser': optimiser.state_dict(),
                    'schedule': schedule.state_dict(), 'round': number}, state_file)
        print(f'round {number}: loss {total / batches:.4f}, surely wrong {wrong:.6f}, unsure {unsure:.5f}', flush=True)
    data = Path(options.out).read_bytes()
    print(options.out, len(data), 'bytes, SHA-256', hashlib.sha256(data).hexdigest())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('strips', nargs='+')
    parser.add_argument('--check', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--from', dest='source')
    parser.add_argument('--rounds', type=int, default=8)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    net = nets.load(options.source) if options.source else nets.LineNet(from_nothing=True)
    train(net, gathered(options.strips), strips(options.check), options)


if __name__ == '__main__':
    main()
