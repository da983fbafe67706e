"""The tensors of a safetensors file as float32 arrays of numpy, without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import InputError, MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a safetensors file: floating-point ones as float32, others as they are.

    Raises:
        MissingExtra: the library safetensors is not installed.
        InputError: the file cannot be read, or holds numbers that are not finite.
    """
    try:
        import numpy as np
        from safetensors import SafetensorError, deserialize
    except ImportError as error:
        raise MissingExtra("the conversion of trained weights", "training", error.name or "safetensors") from None
    try:
        stored = deserialize(path.read_bytes())  # type: ignore[no-untyped-call, unused-ignore]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except SafetensorError as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from None
    tensors = {}
    for name, tensor in stored:
        array = _to_array(bytes(tensor["data"]), tensor["dtype"], f"{path}: {name}").reshape(tensor["shape"])
        if array.dtype == np.float32 and not np.isfinite(array).all():
            raise InputError(f"{path}: {name} holds numbers that are not finite: the training has diverged")
        tensors[str(name)] = array
    return tensors


def _to_array(data: bytes, dtype: str, where: str) -> NDArray[Any]:
    import numpy as np

    if dtype == "BF16":  # numpy has no such type: it is the upper half of a float32
        widened: NDArray[np.float32] = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        return widened
    kinds = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I16": "<i2", "U8": "u1"}
    if dtype not in kinds:
        raise InputError(f"{where} must be of one of the types {', '.join(kinds)}, BF16, got {dtype}")
    array: NDArray[Any] = np.frombuffer(data, kinds[dtype])
    return array.astype(np.float32) if array.dtype.kind == "f" else array
