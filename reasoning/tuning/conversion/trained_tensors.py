"""The changes of a training in the tensors of a base: added products of a LoRA, replaced tensors, changed entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from reasoning.errors import InputError, UsageError
from reasoning.tuning.conversion.base_gguf import BaseGguf
from reasoning.tuning.conversion.lora_weights import WEIGHTS as LORA
from reasoning.tuning.conversion.lora_weights import LoraPair, read_lora
from reasoning.tuning.conversion.tensor_file import read_tensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OWN = "weights.safetensors"
"""The file of the methods that peft does not have: tensors by the names of parameters, and changed entries as two."""
_INDICES, _VALUES = ".indices", ".values"


class Change(Protocol):
    """A change of one tensor of the base."""

    @property
    def tensor(self) -> str:
        """The name of the tensor in the base's GGUF file."""

    def of(self, old: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what is added to the tensor.

        Args:
            old: the tensor of the base, with the rows in the order of the GGUF file.
        """


@dataclass(frozen=True)
class Product:
    """An added product of two matrices (LoRA)."""

    pair: LoraPair

    @property
    def tensor(self) -> str:
        """The name of the tensor."""
        return self.pair.tensor

    def of(self, old: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scale · B · A."""
        added: NDArray[np.float32] = self.pair.b @ self.pair.a
        return added * self.pair.scale


@dataclass(frozen=True)
class Replacement:
    """A tensor that was trained as a whole."""

    tensor: str
    new: NDArray[np.float32]

    def of(self, old: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the difference."""
        return self.new - old


@dataclass(frozen=True)
class Entries:
    """Some entries of a matrix that were changed, already as a matrix with zeros elsewhere."""

    tensor: str
    added: NDArray[np.float32]

    def of(self, old: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the changes."""
        return self.added


def read_changes(folder: Path, base: BaseGguf) -> list[Change]:
    """Read what a training changes in its base.

    Args:
        folder: the folder `peft` of an adapter: that of a LoRA, or one with `weights.safetensors` of the methods
            that train parameters of the model itself.
        base: the base model.

    Raises:
        InputError: a file is missing or damaged, or does not fit the base.
        UsageError: the weights cannot be merged; says why.
    """
    if (folder / LORA).is_file() or not (folder / OWN).is_file():
        weights = read_lora(folder, base)
        if weights.invocation:
            raise UsageError(
                f"{folder}: an activated LoRA cannot be merged: it must not change the turns before the last one; "
                "serve it as an adapter"
            )
        return [Product(pair) for pair in weights.pairs]
    tensors = read_tensors(folder / OWN)
    return [_change(name, tensors, base, folder / OWN) for name in sorted(tensors) if not name.endswith(_INDICES)]


def _change(name: str, tensors: Mapping[str, NDArray[Any]], base: BaseGguf, path: Path) -> Change:
    import numpy as np

    parameter = name.removesuffix(_VALUES)
    tensor = base.find(parameter, path)
    shape = base.shape(tensor)
    if name == parameter:
        if tensors[name].shape != shape:
            raise InputError(f"{path}: {name} must have the shape {shape}, got {tensors[name].shape}")
        return Replacement(tensor, base.reorder(tensor, tensors[name]))
    added = np.zeros(shape, dtype=np.float32)
    try:
        rows, columns = tensors[parameter + _INDICES].astype(np.int64)
        if min(rows.min(initial=0), columns.min(initial=0)) < 0:
            raise IndexError("an index is below 0")
        np.add.at(added, (rows, columns), tensors[name])
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"{path}: {name} does not fit {base.path.name}: {error}") from None
    return Entries(tensor, base.reorder(tensor, added))
