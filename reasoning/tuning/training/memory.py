"""The memory that a training will take, estimated before it starts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from reasoning.providers.torch.base_model import quiet_transformers
from reasoning.tuning.training.batches import Batch, make_batch
from reasoning.tuning.training.forward import ReplyModel
from reasoning.tuning.training.methods import METHODS, Method, Setting
from reasoning.tuning.training.preparation import casts_frozen, linear_weights, prepare, trained_parameters
from reasoning.tuning.training.request import resolve_precision
from reasoning.tuning.training.tokens import FrozenPrefix, TokenizedExample

ERROR = 0.25
"""The share by which a measured peak may differ from the estimate."""
PROCESS = 0.41e9
"""The bytes of a process that has loaded the libraries and nothing else."""
TRAINED = 12
"""The bytes of a trained parameter besides itself: its gradient and the two moments of AdamW."""
ACTIVATIONS = 1.2
"""The factor from saved tensors to the memory of a forward and backward pass: copies that live for a moment."""
UNRETURNED = 0.2e9
"""The bytes that are freed and that the allocator keeps. Both were fitted on the measured trainings of the page
"Methods of training"."""
_ATTENTION = "reasoning_estimate"
_ATTENTION_KERNEL = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_GROUP = 64
"""The quantized weights that share a scale of 4 bytes."""


@dataclass(frozen=True)
class MemoryEstimate:
    """The memory of a training, in bytes.

    Attributes:
        method: the name of the method.
        bits: the bits of a frozen weight of a linear layer.
        trained_parameters: the number of trained parameters.
        weights: all weights of the model.
        states: gradients and moments of what is trained, and copies of it.
        activations: what a forward pass keeps for the backward pass, and logits.
        loading: what the weights take while they are cast: those that stay, and a file of those that were stored,
            which is in memory until its last tensor is cast; 0 if they are not cast.
    """

    method: str
    bits: int
    trained_parameters: int
    weights: float
    states: float
    activations: float
    loading: float = 0.0

    @property
    def working(self) -> float:
        """The memory of forward and backward passes."""
        return ACTIVATIONS * self.activations

    @property
    def is_largest_at_start(self) -> bool:
        """True if reading and casting the weights takes more memory than training."""
        return self.loading > self.weights + self.states + self.working

    @property
    def total(self) -> float:
        """The largest resident memory of the process; true within `ERROR`."""
        return max(self.weights + self.states + self.working, self.loading) + PROCESS + UNRETURNED

    @property
    def least(self) -> float:
        """The least memory that the error allows."""
        return self.total * (1 - ERROR)

    @property
    def most(self) -> float:
        """The largest memory that the error allows."""
        return self.total * (1 + ERROR)


def estimate(
    base: Path,
    method: str,
    settings: Mapping[str, Setting],
    examples: Sequence[TokenizedExample],
    *,
    bits: int | None = None,
    prefix: FrozenPrefix | None = None,
) -> MemoryEstimate:
    """Return the memory that a training takes, without loading the weights.

    The model is built on the device `meta`, which has shapes and no numbers, and makes a forward pass with the longest
    batch. The tensors that it keeps for the backward pass are added up.

    Args:
        base: the folder of the base in PyTorch.
        method: the name of the method.
        settings: all its settings.
        examples: the examples.
        bits: the bits of a frozen weight; by default as the method holds them.
        prefix: the begin that `alora` computes before.
    """
    low = settings["precision"] == "bfloat16"
    width = bits or METHODS[method].bits
    with quiet_transformers(), torch.device("meta"):
        model = _build(base)
        matrices = linear_weights(model).values()
        linear = sum(matrix.numel() for matrix in matrices)
        if width < 32:
            _quantize(model, getattr(torch, str(settings["precision"])))
        model = prepare(model, method, settings)
    trained = sum(parameter.numel() for parameter in trained_parameters(model).values())
    skip = prefix.length if prefix else 0
    weights = float(sum(parameter.nbytes for parameter in model.parameters()))
    if width < 32:
        weights += linear * (width / 8 + 4 / _GROUP) - sum(matrix.nbytes for matrix in matrices)
    states = float(TRAINED * trained)
    if method == "sparse":
        # The weights before the mask was chosen.
        states += 4.0 * linear
    if not _is_part(method):
        # These are copies of their own, not weights of the model.
        weights -= 4.0 * trained
        states += 4.0 * trained
    is_cast = width == 32 and casts_frozen(method, settings)
    loading = weights + max(path.stat().st_size for path in base.glob("*.safetensors")) if is_cast else 0.0
    batch = _longest_batch(examples, int(settings["batch"]), skip)
    with quiet_transformers(), _LowPrecision() if low else contextlib.nullcontext():
        activations = _saved_bytes(model, batch, skip)
    return MemoryEstimate(method, width, trained, weights, states, activations, loading)


def estimate_all(
    base: Path,
    examples: Sequence[TokenizedExample],
    given: Mapping[str, Any],
    prefix: FrozenPrefix | None,
) -> list[MemoryEstimate]:
    """Return the estimates of all methods, and of low-rank adaptation with weights of 8, 4 and 2 bits.

    Args:
        base: the folder of the base in PyTorch.
        examples: the examples.
        given: settings in place of the defaults, for the methods that have them.
        prefix: the begin that `alora` would compute before; None if it cannot be used.
    """
    found = []
    for name, chosen in METHODS.items():
        if name == "alora" and prefix is None:
            continue
        settings = resolve_precision(settings_for(chosen, given))
        one = estimate(base, name, settings, examples, prefix=prefix if name == "alora" else None)
        found += [_with_bits(one, bits, base) for bits in (8, 4, 2)] if name == "qlora" else [one]
    return found


def settings_for(chosen: Method, given: Mapping[str, Any]) -> dict[str, Setting]:
    """Return all settings of a method, with those of the given ones that it has."""
    known = chosen.to_settings({})
    return chosen.to_settings({name: value for name, value in given.items() if name in known})


def available_memory() -> int:
    """Return the memory in bytes that a new process can use: of the machine, or of this container if that has less."""
    import os

    try:
        text = Path("/proc/meminfo").read_text()
        free = int(text.partition("MemAvailable:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        # No such file on other systems; all memory then, as nothing tells what is free.
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return min(free, max(0, limit - used))
    except (OSError, ValueError):
        # No limit.
        return free


def describe_need(one: MemoryEstimate) -> str:
    """Return an estimate in words, such as "about 2.7 GB (2.0 to 3.4 GB)"."""
    return f"about {one.total / 1e9:.1f} GB ({one.least / 1e9:.1f} to {one.most / 1e9:.1f} GB)"


def _with_bits(one: MemoryEstimate, bits: int, base: Path) -> MemoryEstimate:
    with quiet_transformers(), torch.device("meta"):
        linear = sum(weight.numel() for weight in linear_weights(_build(base)).values())
    return replace(one, bits=bits, weights=one.weights + linear * (bits - one.bits) / 8)


def _build(base: Path) -> Any:
    """Return the model without numbers, with attention that keeps what it keeps on a CPU."""
    from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM

    AttentionInterface.register(_ATTENTION, _attend)
    config = AutoConfig.from_pretrained(base, local_files_only=True)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=_ATTENTION)


def _attend(layer: Any, query: Any, key: Any, value: Any, mask: Any, scaling: float = 1.0, **_: Any) -> Any:
    """Compute attention for transformers."""
    if key.shape[2] != query.shape[2]:
        # With a prefix there is a mask, and then keys and values are repeated for each head.
        key, value = (part.repeat_interleave(query.shape[1] // part.shape[1], 1) for part in (key, value))
    return _flash(query, key, value, scale=scaling).transpose(1, 2).contiguous(), None


def _flash(query: Any, key: Any, value: Any, *, is_causal: bool = True, scale: float | None = None) -> Any:
    """Compute attention as the kernel of a CPU does; on `meta` torch would choose one that keeps all scores."""
    return _ATTENTION_KERNEL(query, key, value, 0.0, is_causal, scale=scale)[0]


class _LowPrecision(TorchFunctionMode):  # type: ignore[misc]
    """Products of matrices in bfloat16, as `torch.autocast` computes them; that has no device `meta`."""

    _PRODUCTS = frozenset(
        {torch.nn.functional.linear, torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, _ATTENTION_KERNEL}
    )

    def __torch_function__(self, function: Any, types: Any, given: Any = (), settings: Any = None) -> Any:
        if function in self._PRODUCTS:
            given = [one.bfloat16() if isinstance(one, torch.Tensor) else one for one in given]
        return function(*given, **settings or {})


def _quantize(model: Any, precision: Any) -> None:
    """Let linear layers keep and return what those with quantized weights do.

    They compute in a precision of their own, keep no copy of their weights for the backward pass, and return the
    type of their input.
    """
    head = model.get_output_embeddings()
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module is not head:
            module.weight.data = module.weight.data.to(precision)
            module.register_forward_hook(lambda module, given, output: output.to(given[0].dtype))


def _is_part(method: str) -> bool:
    """Return whether the trained parameters are some of the model's own."""
    return method in ("full", "partial", "sparse")


def _longest_batch(examples: Sequence[TokenizedExample], size: int, skip: int) -> Batch:
    longest = sorted(examples, key=lambda one: len(one.prompt) + len(one.reply), reverse=True)[:size]
    while len(longest) < size:
        longest.append(longest[-1])
    return make_batch(longest, skip)


def _saved_bytes(model: Any, batch: Batch, skip: int) -> float:
    """Return the bytes of the tensors that a forward pass keeps for the backward pass, and of the logits."""
    kept: dict[int, Any] = {}
    own = {parameter.untyped_storage()._cdata for parameter in model.parameters()}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            # The storage is held, so that no other one gets its address.
            kept[storage._cdata] = storage
        return tensor

    tokens, rows, columns, targets = (
        part.to("meta") for part in (batch.tokens, batch.rows, batch.columns, batch.targets)
    )
    meta = Batch(tokens, rows, columns, targets, batch.lengths)
    prefix = None
    if skip:
        config = model.config
        heads = config.num_key_value_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        shape = (1, heads, skip, width)
        prefix = [(torch.empty(shape, device="meta"), torch.empty(shape, device="meta"))] * config.num_hidden_layers
    for block in getattr(getattr(model, "side_network", None), "blocks", ()):
        block.attend = _flash
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = ReplyModel(model, prefix).logits(meta).float()
        loss = torch.nn.functional.cross_entropy(logits, meta.targets, reduction="sum")
    saved = float(sum(storage.nbytes() for storage in kept.values()))
    del loss
    return saved + 4.0 * int(logits.numel())
