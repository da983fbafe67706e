"""Ladder side-tuning: a small trained network next to a frozen model, which reads the output of each of its layers.

No gradient flows through the frozen model, so that its activations need not be kept.

Sources: Sung et al. 2022, LST: Ladder Side-Tuning (arXiv 2206.06522), section 3: gated ladder connections and a side
network of reduced width. Its output is added to that of the frozen model, as in Zhang et al. 2024, Quantized Side
Tuning (arXiv 2401.07004), section 3.3, so that training begins at the replies of the frozen model.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import DynamicCache

from reasoning.providers.torch.decoder import decoder_layers


class SideBlock(nn.Module):  # type: ignore[misc]  # torch has no types here
    """A layer of the side network: causal attention and a feed-forward network, each with a residual connection.

    It has no positions of its own, since the outputs of the frozen layers carry them.

    Attributes:
        attend: the function that computes attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.attend = heads, nn.functional.scaled_dot_product_attention
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-6) for _ in range(2))
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, side: torch.Tensor, cache: DynamicCache | None, layer: int) -> torch.Tensor:
        """Return the next state.

        Args:
            side: the state, of the shape (batch, tokens, width).
            cache: the keys and values of the tokens before these, to which those of these are added.
            layer: the number of the block in the cache.
        """
        batch, tokens, width = side.shape
        parts = self.qkv(self.norms[0](side)).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = parts
        if cache is not None:
            keys, values = cache.update(keys, values, layer)
        how: dict[str, Any] = {"is_causal": True}
        if before := keys.shape[2] - tokens:
            # `is_causal` takes the first query for that of the first key.
            every = torch.ones(tokens, before + tokens, dtype=torch.bool, device=keys.device)
            how = {"attn_mask": every.tril(before)}
        mixed = self.attend(queries, keys, values, **how)
        side = side + self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return side + self.down(nn.functional.gelu(self.up(self.norms[1](side))))


class SideNetwork(nn.Module):  # type: ignore[misc]
    """The side network: for each frozen layer a projection, a gate and a block."""

    def __init__(self, layers: int, width: int, side_width: int, heads: int) -> None:
        super().__init__()
        self.downs = nn.ModuleList(nn.Linear(width, side_width, bias=False) for _ in range(layers))
        self.blocks = nn.ModuleList(SideBlock(side_width, heads) for _ in range(layers))
        self.gates = nn.Parameter(torch.zeros(layers))
        self.up = nn.Linear(side_width, width, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, outputs: list[torch.Tensor], cache: DynamicCache | None) -> torch.Tensor:
        """Return the change of the last hidden state from the outputs of the frozen layers.

        Args:
            outputs: the outputs of the layers.
            cache: the keys and values of the tokens before these.
        """
        side: torch.Tensor | None = None
        parts = zip(self.gates, self.downs, self.blocks, outputs, strict=True)
        for layer, (gate, down, block, output) in enumerate(parts):
            share, below = torch.sigmoid(gate), down(output)
            side = block(below if side is None else share * below + (1 - share) * side, cache, layer)
        return self.up(side)


def add_side_network(model: Any, reduction: int) -> None:
    """Add a side network to a model and let it change the input of the output matrix.

    Its keys and values of earlier tokens are kept with the cache of the model, as an attribute `side` of it.

    Args:
        model: a decoder of transformers; its parameters stay as they are.
        reduction: the width of the model divided by the width of the side network.
    """
    layers, width = decoder_layers(model), model.config.hidden_size
    heads = next(count for count in (4, 3, 2, 1) if (width // reduction) % count == 0)
    model.side_network = SideNetwork(len(layers), width, max(heads, width // reduction), heads)
    # The output of each layer, with the cache of the model.
    collected: list[tuple[torch.Tensor, Any]] = []

    def collect(layer: Any, inputs: Any, named: dict[str, Any], output: Any) -> None:
        collected.append(((output[0] if isinstance(output, tuple) else output).detach(), named.get("cache")))

    def change(head: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        read, cache = [output for output, _ in collected[-len(layers) :]], collected[-1][1]
        collected.clear()
        if cache is not None and cache.get_seq_length() == read[0].shape[1]:
            # These are the first tokens.
            cache.side = DynamicCache()
        hidden, *rest = inputs
        changed = model.side_network(read, None if cache is None else cache.side)
        return (hidden + changed[:, -hidden.shape[1] :], *rest)

    for layer in layers:
        layer.register_forward_hook(collect, with_kwargs=True)
    model.get_output_embeddings().register_forward_pre_hook(change)
