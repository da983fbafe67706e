"""The parts of a decoder of transformers that adapters need: its layers, its last norm, its output matrix."""

from __future__ import annotations

from typing import Any

from reasoning.errors import UsageError


def decoder_layers(model: Any) -> Any:
    """Return the layers of a decoder, each with `self_attn` and `mlp`.

    Raises:
        UsageError: the model is built differently.
    """
    layers = getattr(getattr(model, "model", None), "layers", None)
    if not layers or not all(hasattr(layers[0], part) for part in ("self_attn", "mlp")):
        kind = getattr(getattr(model, "config", None), "model_type", type(model).__name__)
        raise UsageError(
            f"this method needs a model whose layers have self_attn and mlp, as llama and qwen2, got {kind!r}; "
            "choose another method, such as lora"
        )
    return layers
