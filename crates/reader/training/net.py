"""The net: seven convolutions that look at a strip and answer for each four columns; and its file."""
import struct
from pathlib import Path

import numpy as np
import torch
from torch import nn

CLASSES = 11
BLANK = 10
# Channels in and out, kernel, stride, padding, rows and columns of which the largest is kept.
SHAPE = [
    (1, 8, (5, 5), 2, (2, 2), (1, 1)),
    (8, 16, (3, 3), 1, (1, 1), (2, 2)),
    (16, 32, (3, 3), 1, (1, 1), (2, 1)),
    (32, 48, (3, 3), 1, (1, 1), (2, 1)),
    (48, 64, (2, 3), 1, (0, 1), (1, 1)),
    (64, 64, (1, 3), 1, (0, 1), (1, 1)),
    (64, CLASSES, (1, 1), 1, (0, 0), (1, 1)),
]


class LineNet(nn.Module):
    """From 1 x 32 x width to 11 x width/4: rows are pooled away, columns only by four.

    A net that learns from nothing normalises each batch, which the file folds into the weights; one that goes on from
    a file has no normalisation any more.
    """

    def __init__(self, from_nothing):
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels_in, channels_out, kernel, stride, padding)
            for channels_in, channels_out, kernel, stride, padding, _ in SHAPE
        )
        self.normalisations = nn.ModuleList(
            nn.BatchNorm2d(layer[1]) if from_nothing else nn.Identity() for layer in SHAPE[:-1]
        )

    def forward(self, strips):
        values = standardised(strips)
        for index, convolution in enumerate(self.convolutions):
            values = convolution(values)
            if index < len(self.normalisations):
                values = torch.relu(self.normalisations[index](values))
            if SHAPE[index][5] != (1, 1):
                values = nn.functional.max_pool2d(values, SHAPE[index][5])
        return values[:, :, 0, :]

    def folded(self):
        """Weights and biases of each layer, with the normalisation in them."""
        for index, convolution in enumerate(self.convolutions):
            weights, biases = convolution.weight.detach(), convolution.bias.detach()
            norm = self.normalisations[index] if index < len(self.normalisations) else None
            if isinstance(norm, nn.BatchNorm2d):
                factor = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
                weights = weights * factor[:, None, None, None]
                biases = (biases - norm.running_mean) * factor + norm.bias.detach()
            yield weights.numpy(), biases.numpy()


def standardised(strips):
    """Brightness and contrast taken out; the 2 keeps bare paper bare. `src/net.rs` does the same."""
    mean = strips.mean((2, 3), keepdim=True)
    return (strips - mean) / (strips.std((2, 3), keepdim=True) + 2.)


def header(index):
    """The ten numbers before a layer's weights, as `src/net.rs` reads them."""
    channels_in, channels_out, kernel, stride, padding, pool = SHAPE[index]
    rectified = int(index < len(SHAPE) - 1)
    return struct.pack('<10I', channels_in, channels_out, *kernel, stride, *padding, rectified, *pool)


def save(net, path):
    """All little-endian: a u32 count of layers; for each layer ten u32, then weights and biases as f32."""
    parts = [struct.pack('<I', len(SHAPE))]
    for index, values in enumerate(net.folded()):
        parts += [header(index), *(part.astype('<f4').tobytes() for part in values)]
    Path(path).write_bytes(b''.join(parts))


def load(path):
    """A net that goes on from a file."""
    data = Path(path).read_bytes()
    net, at = LineNet(from_nothing=False), 4
    for index, convolution in enumerate(net.convolutions):
        assert data[at:at + 40] == header(index), f'layer {index} is of another shape'
        at += 40
        for parameter in (convolution.weight, convolution.bias):
            count = parameter.numel()
            values = np.frombuffer(data, '<f4', count, at).copy()
            parameter.data = torch.from_numpy(values).reshape(parameter.shape)
            at += 4 * count
    assert at == len(data)
    return net
