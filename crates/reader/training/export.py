#!/usr/bin/env python3
"""Writes a trained net as the file that `src/net.rs` reads.

    export.py line.pt ../model/line.bin

All little-endian: a u32 count of layers; for each layer ten u32 (channels in, channels out, kernel height, kernel
width, stride, padding height, padding width, rectified 0/1, pool height, pool width), then weights and biases as f32.
Batch normalisation is folded into the convolution before it.
"""
import hashlib
import struct
import sys
from pathlib import Path

import torch
from torch import nn

from net import LineNet


def folded(convolution, normalisation):
    factor = normalisation.weight / torch.sqrt(normalisation.running_var + normalisation.eps)
    return convolution.weight * factor[:, None, None, None], normalisation.bias - normalisation.running_mean * factor


def layers(net):
    """(convolution, weights, biases, rectified, pool) for each layer."""
    found = []
    for module in net.layers:
        if isinstance(module, nn.MaxPool2d):
            size = module.kernel_size
            found[-1][4] = (size, size) if isinstance(size, int) else size
        elif isinstance(module, nn.Sequential):
            convolution, normalisation, _ = module
            found.append([convolution, *folded(convolution, normalisation), 1, (1, 1)])
        else:
            found.append([module, module.weight, module.bias, 0, (1, 1)])
    return found


def as_bytes(net):
    parts = []
    for convolution, weights, biases, rectified, pool in layers(net):
        channels_out, channels_in, *kernel = weights.shape
        sizes = channels_in, channels_out, *kernel, convolution.stride[0], *convolution.padding, rectified, *pool
        parts.append(struct.pack('<10I', *sizes))
        parts += [values.detach().numpy().astype('<f4').tobytes() for values in (weights, biases)]
    return struct.pack('<I', len(layers(net))) + b''.join(parts)


def main():
    source, target = sys.argv[1:]
    net = LineNet()
    net.load_state_dict(torch.load(source))
    net.eval()
    data = as_bytes(net)
    Path(target).write_bytes(data)
    print(target, len(data), 'bytes, SHA-256', hashlib.sha256(data).hexdigest())


if __name__ == '__main__':
    main()
