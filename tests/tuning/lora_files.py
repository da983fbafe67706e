"""LoRA folders as peft writes them, with random weights; and a tiny GGUF base. Without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMOLLM = {"hidden": 576, "kv": 192, "ff": 1536, "layers": 30}
TINY = {"hidden": 64, "kv": 32, "ff": 96, "layers": 2}
TINY_HEADS, TINY_KV_HEADS = 4, 2
MODULES = {
    "self_attn.q_proj": ("hidden", "hidden"),
    "self_attn.k_proj": ("kv", "hidden"),
    "self_attn.v_proj": ("kv", "hidden"),
    "self_attn.o_proj": ("hidden", "hidden"),
    "mlp.gate_proj": ("ff", "hidden"),
    "mlp.up_proj": ("ff", "hidden"),
    "mlp.down_proj": ("hidden", "ff"),
}
"""The linear layers of a layer, with the names of their outputs and inputs in a table of sizes."""
CONFIG = {
    "peft_type": "LORA",
    "r": 4,
    "lora_alpha": 8,
    "bias": "none",
    "target_modules": list(MODULES),
    "use_dora": False,
}


def random_lora(sizes: Mapping[str, int], seed: int, strength: float, rank: int = 4) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a LoRA for all linear layers."""
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(sizes["layers"]):
        for module, (outputs, inputs) in MODULES.items():
            name = f"base_model.model.model.layers.{layer}.{module}"
            a = random.normal(0, sizes[inputs] ** -0.5, (rank, sizes[inputs]))
            b = random.normal(0, strength, (sizes[outputs], rank))
            tensors |= {f"{name}.lora_A.weight": a.astype(np.float32), f"{name}.lora_B.weight": b.astype(np.float32)}
    return tensors


def write_lora(folder: Path, tensors: Mapping[str, NDArray[Any]], **config: Any) -> Path:
    """Write a folder as peft does."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({**CONFIG, **config}))
    save_file(dict(tensors), folder / "adapter_model.safetensors")
    return folder


def write_base(path: Path, kind: str = "llama", tensor_type: str = "F32", seed: int = 0) -> Path:
    """Write the GGUF file of a tiny model, without a tokenizer."""
    import gguf

    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, kind)
    writer.add_block_count(TINY["layers"])
    writer.add_head_count(TINY_HEADS)
    writer.add_head_count_kv(TINY_KV_HEADS)
    writer.add_string("general.name", "Tiny")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    matrices = {"token_embd.weight": (40, TINY["hidden"])}
    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v"}
    names |= {"self_attn.o_proj": "attn_output"}
    for layer in range(TINY["layers"]):
        for module, (outputs, inputs) in MODULES.items():
            short = names.get(module, f"ffn_{module.removeprefix('mlp.').removesuffix('_proj')}")
            matrices[f"blk.{layer}.{short}.weight"] = (TINY[outputs], TINY[inputs])
    stored = gguf.GGMLQuantizationType[tensor_type]
    for name, shape in matrices.items():
        data = gguf.quantize(random.normal(0, 1, shape).astype(np.float32), stored)
        writer.add_tensor(name, data, raw_dtype=stored)
    writer.add_tensor("output_norm.weight", np.ones(TINY["hidden"], dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def read_gguf(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Return the fields and the tensors of a GGUF file, as float32."""
    import gguf

    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {
        tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type).reshape(tuple(reversed(tensor.shape.tolist())))
        for tensor in reader.tensors
    }
    return fields, tensors
