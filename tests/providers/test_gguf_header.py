"""The memory that the header of a GGUF file tells of."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from reasoning.providers.llama_cpp.gguf_header import GGUFHeader

QWEN3 = {
    "block_count": 28,
    "context_length": 40_960,
    "embedding_length": 1024,
    "attention.head_count": 16,
    "attention.head_count_kv": 8,
    "attention.key_length": 128,
    "attention.value_length": 128,
}


def write(path: Path, fields: dict[str, int], kind: str = "qwen3") -> Path:
    """A GGUF file, version 3, without tensors."""
    content = b"GGUF" + struct.pack("<IQQ", 3, 0, len(fields))
    for name, value in fields.items():
        key = f"{kind}.{name}".encode()
        content += struct.pack("<Q", len(key)) + key + struct.pack("<II", 4, value)
    path.write_bytes(content)
    return path


def test_the_memory_of_a_token(tmp_path: Path) -> None:
    header = GGUFHeader(write(tmp_path / "a.gguf", QWEN3))
    assert header.cache_bytes == 2 * 28 * 8 * (128 + 128)
    assert not header.states_pooling


def test_heads_of_the_usual_size_are_not_stated(tmp_path: Path) -> None:
    fields = {name: value for name, value in QWEN3.items() if "length" not in name or name == "embedding_length"}
    assert GGUFHeader(write(tmp_path / "a.gguf", fields)).cache_bytes == 2 * 28 * 8 * 2 * (1024 // 16)
    del fields["attention.head_count_kv"]  # each head has keys of its own
    assert GGUFHeader(write(tmp_path / "a.gguf", fields)).cache_bytes == 2 * 28 * 16 * 2 * (1024 // 16)


@pytest.mark.parametrize("missing", ["block_count", "embedding_length", "attention.head_count"])
def test_what_is_not_stated_is_not_guessed(missing: str, tmp_path: Path) -> None:
    fields = {name: value for name, value in QWEN3.items() if name != missing}
    assert GGUFHeader(write(tmp_path / "a.gguf", fields)).cache_bytes is None


def test_an_embedding_model_states_how_it_pools(tmp_path: Path) -> None:
    assert GGUFHeader(write(tmp_path / "a.gguf", {"block_count": 6, "pooling_type": 1}, "bert")).states_pooling


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    header = GGUFHeader(tmp_path / "none.gguf")
    assert header.cache_bytes is None
    assert not header.states_pooling


@pytest.mark.model
def test_real_weights(smollm: Path) -> None:
    assert GGUFHeader(smollm).cache_bytes == 2 * 30 * 3 * (64 + 64)
