"""The forward pass of a training: logits at the replies' tokens only, on top of a frozen prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from reasoning.tuning.training.batches import Batch

Prefix = list[tuple[Any, Any]]
"""The keys and values of a prefix, for each layer, of shape (1, heads, tokens, width)."""


class ReplyModel:
    """A model whose forward pass computes the output matrix at the replies' tokens only.

    The logits of a whole prompt would take more memory than all else: at 49,152 tokens of vocabulary 0.2 MB a token.

    Args:
        model: the model with its trained parts.
        prefix: the frozen begin of all prompts; None for whole prompts.
        precision: the precision of matrix products. Weights and the optimizer stay in float32.
    """

    def __init__(self, model: Any, prefix: Prefix | None = None, precision: str = "float32") -> None:
        self.model, self._prefix, self._precision = model, prefix, precision
        base = model.get_base_model() if hasattr(model, "peft_config") else model
        self._head = base.get_output_embeddings()

    def logits(self, batch: Batch, **inputs: Any) -> Any:
        """Return the logits of the replies' tokens, of shape (tokens of all replies, vocabulary).

        Args:
            batch: the examples.
            inputs: further arguments of the model.
        """

        def select(head: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
            hidden, *rest = inputs
            # Soft prompts add positions before the tokens.
            added = hidden.shape[1] - batch.tokens.shape[1]
            return (hidden[batch.rows, batch.columns + added], *rest)

        if self._prefix is not None:
            inputs["cache"] = _expand(self._prefix, len(batch.tokens))
        with self._head.register_forward_pre_hook(select), autocast(self._precision):
            return self.model(input_ids=batch.tokens, use_cache=False, **inputs).logits


def autocast(precision: str) -> Any:
    """Return a context in which matrix products have this precision."""
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def compute_prefix(model: Any, tokens: Sequence[int], precision: str = "float32") -> Prefix:
    """Return the keys and values of the first tokens of all prompts, computed by the model as it is."""
    with torch.no_grad(), autocast(precision):
        cache = model.model(input_ids=torch.tensor([list(tokens)]), use_cache=True).cache
    return [(layer.keys, layer.values) for layer in cache.layers]


def _expand(prefix: Prefix, number: int) -> Any:
    """Return a cache with the prefix for each row of a batch. It shares the memory of the prefix."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for place, (keys, values) in enumerate(prefix):
        cache.update(keys.expand(number, -1, -1, -1), values.expand(number, -1, -1, -1), place)
    return cache
