"""The net: seven convolutions that look at a strip and answer for each four columns."""
import torch
from torch import nn

CLASSES = 11


def convolution(channels_in, channels_out, kernel=3, stride=1, padding=1):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


class LineNet(nn.Module):
    """From 1 x 32 x width to 11 x width/4: rows are pooled away, columns only by four."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            convolution(1, 8, 5, 2, 2),
            convolution(8, 16),
            nn.MaxPool2d(2),
            convolution(16, 32),
            nn.MaxPool2d((2, 1)),
            convolution(32, 48),
            nn.MaxPool2d((2, 1)),
            convolution(48, 64, (2, 3), 1, (0, 1)),
            convolution(64, 64, (1, 3), 1, (0, 1)),
            nn.Conv2d(64, CLASSES, 1),
        )

    def forward(self, strips):
        return self.layers(standardised(strips))[:, :, 0, :]


def standardised(strips):
    """Brightness and contrast taken out; the 2 keeps bare paper bare. `src/net.rs` does the same."""
    mean = strips.mean((2, 3), keepdim=True)
    return (strips - mean) / (strips.std((2, 3), keepdim=True) + 2.)


def decoded(scores):
    """The digits of each strip: the likeliest class of each column, equal neighbours once, blanks left out."""
    texts = []
    for row in scores.argmax(1).tolist():
        changes = [value for before, value in zip([None] + row, row) if value != before]
        texts.append(''.join(str(value) for value in changes if value < CLASSES - 1))
    return texts


def as_input(pixels):
    return torch.from_numpy(pixels[:, None].astype('float32'))
