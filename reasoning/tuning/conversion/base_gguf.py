"""The GGUF file of a base model: its tensors by the names of transformers, and the order of their rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import InputError, MissingExtra, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PERMUTED = {"llama": True, "qwen2": False, "qwen3": False}
"""The kinds of models that are converted, with whether llama.cpp keeps the rows of q and k in another order.

transformers rotates the first half of a head's rows against the second half; llama.cpp, for llama, each row against
the next one.
"""
_ROTATED = re.compile(r"blk\.\d+\.attn_(q|k)\.(weight|bias)")


@dataclass(frozen=True)
class BaseGguf:
    """The GGUF file of a base model.

    Args:
        path: the file.

    Raises:
        MissingExtra: the library gguf is not installed.
        InputError: it is not a GGUF file.
        UsageError: models of this kind cannot be converted.
    """

    path: Path

    def __post_init__(self) -> None:
        if self.architecture not in _PERMUTED:
            raise UsageError(
                f"{self.path.name} must be a model of the kind {', '.join(_PERMUTED)} to convert weights for it, got "
                f"{self.architecture!r}: use the weights in transformers or vLLM"
            )

    @cached_property
    def reader(self) -> Any:
        """The reader of the file."""
        gguf = import_gguf()
        try:
            return gguf.GGUFReader(self.path)
        except (OSError, ValueError, IndexError, KeyError) as error:
            raise InputError(f"{self.path}: cannot be read as a GGUF file: {error}") from None

    @cached_property
    def tensors(self) -> dict[str, Any]:
        """The tensors by their names in the file."""
        return {tensor.name: tensor for tensor in self.reader.tensors}

    @property
    def architecture(self) -> str:
        """The kind of the model, such as "llama"."""
        return str(self.field("general.architecture"))

    def field(self, name: str) -> Any:
        """Return a field of the file's metadata; `{arch}` stands for the architecture.

        Raises:
            InputError: the file has no such field.
        """
        if "{arch}" in name:
            name = name.format(arch=self.architecture)
        found = self.reader.get_field(name)
        if found is None:
            raise InputError(f"{self.path}: must have the field {name}; it is no model that llama.cpp serves")
        return found.contents()

    @cached_property
    def _names(self) -> Any:
        gguf = import_gguf()
        kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
        return gguf.get_tensor_name_map(kinds[self.architecture], int(self.field("{arch}.block_count")))

    def find(self, parameter: str, source: Path) -> str:
        """Return the name of the tensor of a parameter of transformers, such as `model.layers.0.mlp.up_proj.weight`.

        Args:
            parameter: the name of the parameter.
            source: the file that has it, for errors.

        Raises:
            UsageError: the base has no such tensor.
        """
        name = self._names.get_name(parameter, try_suffixes=(".weight", ".bias"))
        if name is None or name not in self.tensors:
            shared = parameter.startswith("lm_head") and "output.weight" not in self.tensors
            why = "it shares the weights of the embedding there" if shared else "there is no such tensor"
            raise UsageError(f"{source}: {parameter} cannot be converted for {self.path.name}: {why}")
        return str(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor as numpy and PyTorch give it: rows first."""
        return tuple(int(size) for size in reversed(self.tensors[name].shape))

    def reorder(self, name: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows of a tensor of transformers in the order that the file keeps.

        Args:
            name: the tensor's name in the file.
            rows: the tensor, or what is added to it, or the matrix B of LoRA: anything with a row for each row of it.
        """
        match = _ROTATED.fullmatch(name)
        if not match or not _PERMUTED[self.architecture]:
            return rows
        heads = int(self.field("{arch}.attention.head_count" + ("_kv" if match[1] == "k" else "")))
        halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
        return halves.swapaxes(1, 2).reshape(rows.shape)


def import_gguf() -> Any:
    """Return the library gguf.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import gguf
    except ImportError:
        raise MissingExtra("the conversion of trained weights", "training", "gguf") from None
    return gguf
