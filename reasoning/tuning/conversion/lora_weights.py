"""The weights of a LoRA as peft stores them, checked against its base model.

What llama.cpp would compute differently is refused by its name: DoRA, biases, trained tokens and the like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import InputError, UsageError
from reasoning.files import parse_json_object
from reasoning.tuning.conversion.base_gguf import BaseGguf
from reasoning.tuning.conversion.tensor_file import read_tensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_TENSOR = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<matrix>[AB])\.weight")
_HARMLESS = frozenset(
    (
        *("alora_invocation_tokens", "alpha_pattern", "auto_mapping", "base_model_name_or_path"),
        *("bias", "ensure_weight_tying", "exclude_modules", "inference_mode"),
        *("init_lora_weights", "layers_pattern", "layers_to_transform", "lora_alpha"),
        *("lora_dropout", "megatron_core", "peft_type", "peft_version"),
        *("qalora_group_size", "r", "rank_pattern", "revision"),
        *("runtime_config", "target_modules", "task_type", "use_rslora"),
    )
)
"""The settings of peft that change nothing besides the two matrices and their scale, or are handled here."""
_CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""The first weights that are taken out of the base, which the adapter then needs in a changed form."""


@dataclass(frozen=True)
class LoraPair:
    """The two matrices of a LoRA for one tensor: scale · B · A is added to it.

    Attributes:
        tensor: the name of the tensor in the base's GGUF file.
        a: the matrix A, of the shape (rank, inputs).
        b: the matrix B, of the shape (outputs, rank), its rows in the order of the GGUF file.
        scale: the factor of the product.
    """

    tensor: str
    a: NDArray[np.float32]
    b: NDArray[np.float32]
    scale: float


@dataclass(frozen=True)
class LoraWeights:
    """The weights of a LoRA.

    Attributes:
        pairs: the matrices by tensor, in the order of names.
        invocation: the tokens at which an activated LoRA becomes active; empty for one that always is.
    """

    pairs: tuple[LoraPair, ...]
    invocation: tuple[int, ...] = ()


def read_lora(folder: Path, base: BaseGguf) -> LoraWeights:
    """Read the folder that peft has written, and check that llama.cpp would compute the same.

    Args:
        folder: the folder with `adapter_config.json` and `adapter_model.safetensors`.
        base: the base model.

    Raises:
        InputError: a file is missing or damaged, or does not fit the base.
        UsageError: it is no LoRA, or one with a setting that llama.cpp does not know; names it.
    """
    config = _read_config(folder / CONFIG)
    path = folder / WEIGHTS
    matrices: dict[str, dict[str, Any]] = {}
    for name, array in read_tensors(path).items():
        match = _TENSOR.fullmatch(name)
        if not match:
            raise UsageError(f"{path}: {name} cannot be converted: only the matrices A and B of linear layers can")
        matrices.setdefault(match["module"], {})[match["matrix"]] = array
    if not matrices:
        raise InputError(f"{path}: must hold the matrices of a LoRA, got none")
    pairs = [_pair(module, found, config, base, path) for module, found in sorted(matrices.items())]
    return LoraWeights(tuple(pairs), tuple(config.get("alora_invocation_tokens") or ()))


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = parse_json_object(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if config.get("peft_type") != "LORA":
        raise UsageError(f"{path}: only LoRA can be converted for llama.cpp, got {config.get('peft_type')!r:.40}")
    if config.get("use_dora"):
        raise UsageError(f"{path}: DoRA (use_dora) cannot be converted: llama.cpp has no magnitudes; train plain LoRA")
    if config.get("bias", "none") != "none":
        raise UsageError(
            f"{path}: trained biases (bias={config['bias']!r:.20}) cannot be converted; train with bias='none'"
        )
    if str(config.get("init_lora_weights")).startswith(_CHANGES_BASE):
        raise UsageError(
            f"{path}: init_lora_weights={config['init_lora_weights']!r:.40} changes the base, which llama.cpp serves "
            "unchanged; convert it with peft's path_initial_model_for_weight_conversion first"
        )
    for name, value in config.items():
        if value and name not in _HARMLESS:
            raise UsageError(f"{path}: the setting {name}={value!r:.40} cannot be converted for llama.cpp")
    for name, kinds in (("r", int), ("lora_alpha", (int, float))):
        if not isinstance(config.get(name), kinds) or not 0 < config[name] < math.inf:
            raise InputError(f"{path}: {name!r} must be a number above 0, got {config.get(name)!r:.40}")
    patterns = config.get("alpha_pattern") or {}
    if not isinstance(patterns, dict) or not all(re.fullmatch(r"[\w.]+", name) for name in patterns):
        # peft reads them as regular expressions, which may take forever.
        raise UsageError(f"{path}: 'alpha_pattern' must have the names of modules, got {patterns!r:.60}")
    tokens = config.get("alora_invocation_tokens") or []
    if not isinstance(tokens, list) or not all(type(token) is int and 0 <= token < 2**32 for token in tokens):
        raise InputError(f"{path}: 'alora_invocation_tokens' must be a list of tokens, got {tokens!r:.40}")
    return config


def _pair(module: str, matrices: Mapping[str, Any], config: Mapping[str, Any], base: BaseGguf, path: Path) -> LoraPair:
    import numpy as np

    if len(matrices) < 2:
        raise InputError(f"{path}: {module} must have lora_A and lora_B, got lora_{next(iter(matrices))} only")
    tensor = base.find(f"{module}.weight", path)
    a, b = matrices["A"], matrices["B"]
    outputs, inputs = base.shape(tensor)
    rank = a.shape[0]
    if a.shape != (rank, inputs) or b.shape != (outputs, rank):
        raise InputError(
            f"{path}: {module} must have the shapes (rank, {inputs}) and ({outputs}, rank) for {base.path.name}, got "
            f"{a.shape} and {b.shape}: it was trained for another base"
        )
    alpha = float(_by_pattern(config.get("alpha_pattern"), module, config["lora_alpha"]))
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return LoraPair(tensor, a, np.ascontiguousarray(base.reorder(tensor, b)), scale)


def _by_pattern(patterns: Any, module: str, default: float) -> float:
    """Return the value of the first pattern that names a module; `_read_config` lets only plain names pass."""
    for name, value in (patterns or {}).items():
        if module == name or module.endswith(f".{name}"):
            return float(value)
    return default
