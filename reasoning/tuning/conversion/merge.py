"""A base model merged with adapters into one GGUF file, which llama.cpp serves at the speed of the base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from reasoning.errors import UsageError
from reasoning.files import atomic_path
from reasoning.tuning.conversion.base_gguf import BaseGguf, import_gguf
from reasoning.tuning.conversion.trained_tensors import Change, read_changes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Precision = Literal["f16", "q8_0"]
"""The type of the changed matrices: 16 bits, or 8 bits and a scale for every 32 numbers."""

_BLOCK = 32
"""The numbers of a row that share a scale in q8_0."""


def merge(
    base_gguf: Path,
    adapters: Sequence[tuple[Path, float]],
    target: Path,
    to: Precision = "q8_0",
    *,
    progress: Callable[[int, int], object] | None = None,
) -> None:
    """Write a base model merged with adapters as a GGUF file.

    Tensors that no adapter changes stay as they are.

    Args:
        base_gguf: the GGUF file of the base.
        adapters: the folder `peft` of each adapter, with the weight by which its change is multiplied.
        target: the new file, which is written atomically.
        to: how the changed matrices are stored.
        progress: called with the tensors written and all tensors.

    Raises:
        MissingExtra: the `training` extra is not installed.
        InputError: a file is missing or damaged, an adapter does not fit the base, or the target cannot be written.
        UsageError: the weights cannot be merged, or not stored so.

    Source: Hu et al. 2021 (arXiv 2106.09685), section 4.1, for one adapter; Ilharco et al. 2022 (arXiv 2212.04089),
        section 2, for the weighted sum of several.
    """
    check_precision(to)
    gguf = import_gguf()
    base = BaseGguf(base_gguf)
    changes: dict[str, list[tuple[Change, float]]] = {}
    for folder, weight in adapters:
        for change in read_changes(folder, base):
            changes.setdefault(change.tensor, []).append((change, weight))
    with atomic_path(target) as new:
        writer = gguf.GGUFWriter(new, base.architecture)
        _copy_fields(writer, base)
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if to == "f16" else gguf.LlamaFileType.MOSTLY_Q8_0)
        tensors = list(base.reader.tensors)
        for tensor in tensors:
            data, kind = tensor.data, tensor.tensor_type
            if tensor.name not in changes:
                writer.add_tensor_info(tensor.name, data.shape, data.dtype, data.nbytes, kind)
                continue
            kind = _kind(base.shape(tensor.name), to)
            empty = _empty(base.shape(tensor.name), kind)
            writer.add_tensor_info(tensor.name, empty.shape, empty.dtype, empty.nbytes, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for done, tensor in enumerate(tensors, 1):
            if tensor.name in changes:
                changed = _add(tensor, base, changes[tensor.name])
                writer.write_tensor_data(gguf.quantize(changed, _kind(changed.shape, to)))
            else:
                writer.write_tensor_data(tensor.data)
            if progress:
                progress(done, len(tensors))
        writer.close()


def check_precision(to: str) -> Precision:
    """Return the type of merged weights, or raise UsageError if they cannot be stored so."""
    precisions: tuple[Precision, ...] = get_args(Precision)
    for precision in precisions:
        if precision == to:
            return precision
    raise UsageError(
        f"merged weights must be stored as f16 or q8_0, got {to!r:.20}: rounded to q4_1 again, a trained model that "
        "solved 54 of 75 cases solved 4 (as f16 54, as q8_0 52)"
    )


def _copy_fields(writer: Any, base: BaseGguf) -> None:
    """Copy the base's metadata: settings, tokenizer, chat template."""
    gguf = import_gguf()
    for name, field in base.reader.fields.items():
        if name.startswith("GGUF.") or name in (gguf.Keys.General.ARCHITECTURE, gguf.Keys.General.FILE_TYPE):
            continue
        kind = field.types[0]
        items = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, sub_type=items)


def _kind(shape: Sequence[int], to: Precision) -> Any:
    """Return the type of a changed tensor; vectors, such as norms, stay as exact as llama.cpp needs them."""
    kinds = import_gguf().GGMLQuantizationType
    if len(shape) == 1:
        return kinds.F32
    return kinds.Q8_0 if to == "q8_0" and shape[-1] % _BLOCK == 0 else kinds.F16


def _empty(shape: Sequence[int], kind: Any) -> NDArray[Any]:
    """Return an array of the shape and type that a tensor will have in the file."""
    import numpy as np

    gguf = import_gguf()
    plain = {gguf.GGMLQuantizationType.F32: np.float32, gguf.GGMLQuantizationType.F16: np.float16}
    stored = tuple(shape) if kind in plain else gguf.quant_shape_to_byte_shape(shape, kind)
    return np.empty(stored, dtype=plain.get(kind, np.uint8))


def _add(tensor: Any, base: BaseGguf, changes: Sequence[tuple[Change, float]]) -> NDArray[np.float32]:
    old = import_gguf().dequantize(tensor.data, tensor.tensor_type).reshape(base.shape(tensor.name))
    new: NDArray[np.float32] = old.astype("float32", copy=True)
    for change, weight in changes:
        new += change.of(old) * weight
    return new
