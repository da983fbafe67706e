"""Bottleneck adapters: two small trained networks in each layer of a frozen model.

Source: Houlsby et al. 2019, Parameter-Efficient Transfer Learning for NLP (arXiv 1902.00751), section 2.1. peft has no
such method, and the library `adapters` needs an older version of transformers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from reasoning.providers.torch.decoder import decoder_layers

PLACES = ("self_attn", "mlp")


class Bottleneck(nn.Module):  # type: ignore[misc]  # torch has no types here
    """The network `x + up(gelu(down(x)))`. It changes nothing at first, since `up` begins with zeros."""

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, bottleneck), nn.Linear(bottleneck, width)
        nn.init.normal_(self.down.weight, std=0.01)
        for zeros in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zeros)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the changed output of a sublayer."""
        return hidden + self.up(nn.functional.gelu(self.down(hidden)))


def add_bottlenecks(model: Any, bottleneck: int) -> None:
    """Add an adapter after the attention and after the feed-forward network of each layer, before the residual sum.

    Args:
        model: a decoder of transformers; its other parameters stay as they are.
        bottleneck: the width of the bottleneck.
    """
    for layer in decoder_layers(model):
        for place in PLACES:
            sublayer = getattr(layer, place)
            sublayer.bottleneck = Bottleneck(model.config.hidden_size, bottleneck)
            sublayer.register_forward_hook(_change_output)


def _change_output(sublayer: Any, inputs: Any, output: Any) -> Any:
    # Attention returns its output together with its weights.
    if isinstance(output, tuple):
        return (sublayer.bottleneck(output[0]), *output[1:])
    return sublayer.bottleneck(output)
