"""The conversion of a LoRA from peft to a GGUF adapter, which llama.cpp serves with its base; without PyTorch."""

from __future__ import annotations

from pathlib import Path

from reasoning.errors import UsageError
from reasoning.files import atomic_path
from reasoning.tuning.conversion.base_gguf import BaseGguf, import_gguf
from reasoning.tuning.conversion.lora_weights import CONFIG, read_lora


def write_gguf_adapter(peft_folder: Path, base_gguf: Path, target: Path) -> None:
    """Convert a LoRA or an activated LoRA to a GGUF adapter.

    Args:
        peft_folder: the folder that peft has written.
        base_gguf: the GGUF file of the base that the adapter was trained for.
        target: the new file, which is written atomically.

    Raises:
        MissingExtra: the `training` extra is not installed.
        InputError: a file is missing or damaged, the adapter does not fit the base, or the target cannot be written.
        UsageError: llama.cpp cannot serve an adapter of this kind; names what it lacks.

    Source: the formats of llama.cpp's convert_lora_to_gguf.py; Hu et al. 2021 (arXiv 2106.09685), section 4.1;
        Greenewald et al. 2025 (arXiv 2504.12397), section 3.
    """
    gguf = import_gguf()
    base = BaseGguf(base_gguf)
    weights = read_lora(peft_folder, base)
    if len(weights.invocation) == 1:
        raise UsageError(
            f"{peft_folder / CONFIG}: 'alora_invocation_tokens' must have at least 2 tokens, got 1: llama.cpp "
            "activates an adapter one token before its first invocation token"
        )
    # llama.cpp computes the scale of a pair as alpha / rank, with one alpha for all pairs.
    alpha = weights.pairs[0].scale * weights.pairs[0].a.shape[0]
    with atomic_path(target) as new:
        writer = gguf.GGUFWriter(new, base.architecture)
        writer.add_type("adapter")
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        # peft activates at the first invocation token; llama.cpp one token before the first of those that it is told.
        if tokens := list(weights.invocation[1:]):
            kinds = gguf.GGUFValueType
            writer.add_key_value(gguf.Keys.Adapter.ALORA_INVOCATION_TOKENS, tokens, kinds.ARRAY, kinds.UINT32)
        for pair in weights.pairs:
            factor = pair.scale * pair.a.shape[0] / alpha
            writer.add_tensor(f"{pair.tensor}.lora_a", pair.a)
            writer.add_tensor(f"{pair.tensor}.lora_b", pair.b if factor == 1.0 else pair.b * factor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
