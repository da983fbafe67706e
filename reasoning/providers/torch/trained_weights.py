"""Trained weights applied to a base model in PyTorch, for every method of training.

Methods of peft are stored as peft writes them. The others store `weights.safetensors` in the same folder: tensors by
the name of the parameter, and a sparse change as `NAME.indices` and `NAME.values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reasoning.errors import InputError
from reasoning.providers.torch.base_model import check_installed, quiet_transformers

WEIGHTS = "weights.safetensors"
"""The file of the methods that peft does not have."""
PEFT_WEIGHTS = "adapter_model.safetensors"
OWN_METHODS = ("full", "partial", "sparse", "adapter", "ladder_side")
"""The methods that peft does not have, or whose weights it does not store."""
INDICES, VALUES = ".indices", ".values"


def apply_trained(model: Any, folder: Path, method: str, settings: Mapping[str, Any]) -> Any:
    """Return the model with trained weights, ready to generate. The model that is passed is changed.

    Args:
        model: the base, as `load_base` returns it.
        folder: the folder `peft` of the adapter.
        method: the method of training.
        settings: the settings of the training, which say how wide added networks are.

    Raises:
        InputError: the folder lacks weights, or they do not fit the model.
    """
    check_installed()
    file = folder / (WEIGHTS if method in OWN_METHODS else PEFT_WEIGHTS)
    if not file.is_file():
        # peft would read a pickle instead, which could run code.
        raise InputError(f"{file}: the weights of this adapter are missing; train it again")
    if method not in OWN_METHODS:
        from peft import PeftModel

        with quiet_transformers():
            return PeftModel.from_pretrained(model, folder, local_files_only=True).eval()
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    add_networks(model, method, settings)
    try:
        _replace(model, load_file(file))
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{file}: does not fit the base model: {error}; train the adapter again") from None
    return model.eval()


def add_networks(model: Any, method: str, settings: Mapping[str, Any]) -> None:
    """Add the networks of a method to a model, with their first weights; other methods add none."""
    if method == "adapter":
        from reasoning.providers.torch.bottleneck import add_bottlenecks

        add_bottlenecks(model, int(settings["bottleneck"]))
    elif method == "ladder_side":
        from reasoning.providers.torch.side_network import add_side_network

        add_side_network(model, int(settings["reduction"]))


def _replace(model: Any, tensors: Mapping[str, Any]) -> None:
    import torch

    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            if name.endswith(INDICES):
                continue
            changed = parameters[name.removesuffix(VALUES)]
            if name.endswith(VALUES):
                rows, columns = tensors[name.removesuffix(VALUES) + INDICES].long()
                changed[rows, columns] += tensor.to(changed.dtype)
            elif changed.shape != tensor.shape:
                raise ValueError(f"{name} must have the shape {tuple(changed.shape)}, got {tuple(tensor.shape)}")
            else:
                changed.copy_(tensor)
