"""A base model made trainable by a method, and its trained weights stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from reasoning.errors import UsageError
from reasoning.providers.torch.base_model import quiet_transformers
from reasoning.providers.torch.decoder import decoder_layers
from reasoning.providers.torch.trained_weights import INDICES, OWN_METHODS, VALUES, WEIGHTS, add_networks
from reasoning.tuning.training.forward import compute_prefix
from reasoning.tuning.training.methods import Setting

_LINEAR = "all-linear"
"""peft's name for all linear layers but the output matrix."""


def prepare(
    model: Any, method: str, settings: Mapping[str, Setting], *, seed: int = 0, masks: Mapping[str, Any] | None = None
) -> Any:
    """Return the model with the trained parts of a method; only their parameters need gradients.

    Frozen linear layers may hold their weights in bfloat16 then; see `casts_frozen`.

    Args:
        model: the base; it is changed.
        method: the name of the method.
        settings: all its settings.
        seed: the seed of the first weights.
        masks: for `sparse`, by name of a weight matrix its mask; without them all linear weights are trained, as the
            choice of the masks needs it.

    Raises:
        UsageError: the method does not fit the model.
    """
    torch.manual_seed(seed)
    model.requires_grad_(False)
    if method == "full":
        model.requires_grad_(True)
    elif method == "partial":
        for parameter in _parts(model, str(settings["parts"]), int(settings["layers"])):
            parameter.requires_grad_(True)
    elif method == "sparse" and masks is None:
        for parameter in linear_weights(model).values():
            parameter.requires_grad_(True)
    elif method in ("adapter", "ladder_side"):
        add_networks(model, method, settings)
    else:
        model = _with_peft(model, method, settings, masks)
    if casts_frozen(method, settings):
        _cast_frozen(model)
    return model


def casts_frozen(method: str, settings: Mapping[str, Setting]) -> bool:
    """Return whether frozen linear layers hold their weights in bfloat16, as matrix products read them.

    With `sparse` they do not, since it adds small changes to the weights.
    """
    return settings["precision"] == "bfloat16" and method != "sparse"


def begin_prefix(model: Any, prompt: Sequence[int], precision: str = "float32") -> None:
    """Give a prefix the keys and values of the first tokens of a prompt, instead of random ones.

    Random ones make a model forget what it can do: the loss begins at 9.5 instead of 0.8 (smollm2-135m, categories).

    Args:
        model: the prepared model of the method `prefix`.
        prompt: the tokens of a prompt, which are repeated if they are fewer than the positions of the prefix.
        precision: the precision of matrix products.

    Source: Li and Liang 2021 (arXiv 2101.00190), section 7.4: initialise with activations of real words.
    """
    import peft

    positions = model.active_peft_config.num_virtual_tokens
    tokens = (list(prompt) * positions)[:positions]
    computed = compute_prefix(model.get_base_model(), tokens, precision)
    peft.initialize_kv_prefix_from_past_key_values(model, past_key_values=computed)


def trained_parameters(model: Any) -> dict[str, Any]:
    """Return the parameters that are trained, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def linear_weights(model: Any) -> dict[str, Any]:
    """Return the weight matrices of all linear layers but the output matrix, by name."""
    head = model.get_output_embeddings()
    return {
        f"{name}.weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }


def save_trained(
    model: Any, method: str, folder: Path, invocation: Sequence[int] | None = None, base: str = ""
) -> None:
    """Write the trained weights of a model into a folder, as `apply_trained` reads them.

    Args:
        model: the trained model.
        method: the method.
        folder: the folder `peft` of an adapter; it is made.
        invocation: for `alora`, the tokens from which on the adapter is active.
        base: the name of the base; peft would store the path of its folder.
    """
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    if method not in OWN_METHODS:
        config = model.peft_config["default"]
        config.base_model_name_or_path = base
        if invocation is not None:
            config.alora_invocation_tokens = list(invocation)
        with quiet_transformers():
            model.save_pretrained(folder, safe_serialization=True)
        # A model card of peft without content.
        (folder / "README.md").unlink(missing_ok=True)
        return
    tensors = {name: tensor.detach().contiguous() for name, tensor in trained_parameters(model).items()}
    if method == "sparse":
        tensors = {}
        for name, module in model.get_base_model().named_modules():
            if hasattr(module, "shira_weight"):
                tensors[f"{name}.weight{INDICES}"] = module.shira_indices["default"].int().contiguous()
                tensors[f"{name}.weight{VALUES}"] = module.shira_weight["default"].detach().contiguous()
    save_file(tensors, folder / WEIGHTS)


def choose_masks(before: Mapping[str, Any], after: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """Return masks of the entries that a training has changed most, as many for each matrix as lora of `rank` has.

    Source: Frankle and Carbin 2018 (arXiv 1803.03635), section 1, with changes in place of magnitudes, since the
    untrained model is not random; the weights are rewound by the caller.
    """
    masks = {}
    for name, weight in before.items():
        change = (after[name] - weight).abs().flatten()
        mask = torch.zeros_like(change)
        mask[change.topk(rank * sum(weight.shape)).indices] = 1
        masks[name] = mask.view_as(weight)
    return masks


def _cast_frozen(model: Any) -> None:
    """Hold the frozen weights of linear layers in bfloat16; the products are the same.

    `torch.autocast` would cast them in each forward pass, and keep the copies for the backward pass.
    """
    embeddings = model.get_input_embeddings().weight
    # A subclass has weights of another kind, such as quantized ones, and the output matrix may be the embeddings.
    layers = [module for module in model.modules() if type(module) is torch.nn.Linear]
    cast = {id(parameter) for layer in layers for parameter in layer.parameters()} - {id(embeddings)}
    for parameter in model.parameters():
        if id(parameter) in cast and not parameter.requires_grad:
            parameter.data = parameter.data.bfloat16()
        else:
            # Tensors that are read from a file keep all of it in memory, as long as there is one.
            parameter.data = parameter.data.clone()


def _with_peft(model: Any, method: str, settings: Mapping[str, Setting], masks: Mapping[str, Any] | None) -> Any:
    import peft

    made: Any
    if method in ("lora", "alora", "qlora"):
        made = peft.LoraConfig(
            r=int(settings["rank"]),
            lora_alpha=int(settings["alpha"]),
            lora_dropout=float(settings["dropout"]),
            target_modules=_LINEAR,
            task_type="CAUSAL_LM",
        )
    elif method == "prefix":
        made = peft.PrefixTuningConfig(num_virtual_tokens=int(settings["positions"]), task_type="CAUSAL_LM")
    elif method == "prompt":
        made = peft.PromptTuningConfig(
            num_virtual_tokens=int(settings["positions"]),
            prompt_tuning_init="SAMPLE_VOCAB",
            task_type="CAUSAL_LM",
        )
    elif method == "sparse":
        assert masks is not None
        return _with_sparse(model, int(settings["rank"]), masks)
    else:
        raise UsageError(f"the method {method!r} cannot be prepared")
    with quiet_transformers():
        return peft.get_peft_model(model, made)


def _with_sparse(model: Any, rank: int, masks: Mapping[str, Any]) -> Any:
    import peft

    by_weight = {id(weight): masks[name] for name, weight in linear_weights(model).items()}
    with quiet_transformers():
        made = peft.ShiraConfig(r=rank, mask_type="lottery_ticket", target_modules=_LINEAR, task_type="CAUSAL_LM")
        made.mask_fn = lambda layer, r, **_: by_weight[id(layer.weight)]
        return peft.get_peft_model(model, made)


def _parts(model: Any, parts: str, layers: int) -> list[Any]:
    """Return the parameters of some parts of a model."""
    found: list[Any] = []
    if "norms" in parts:
        found += [parameter for name, parameter in model.named_parameters() if "norm" in name]
    if parts == "biases":
        found += [parameter for name, parameter in model.named_parameters() if name.endswith(".bias")]
    if "layers" in parts:
        found += [parameter for layer in decoder_layers(model)[-layers:] for parameter in layer.parameters()]
    if not found:
        raise UsageError(f"the model has no {parts}; give another part with --set parts=layers or parts=norms")
    return found
