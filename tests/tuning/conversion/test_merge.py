"""Merging: the numbers of a merged file, weights, precision, and a kill that leaves no half file."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reasoning.errors import InputError, UsageError
from reasoning.tuning.conversion.merge import Precision, merge
from tests.tuning.conversion.test_gguf_adapter import permute
from tests.tuning.lora_files import TINY, TINY_HEADS, random_lora, read_gguf, write_base, write_lora

gguf = pytest.importorskip("gguf")
pytest.importorskip("safetensors")

ONE, TWO = random_lora(TINY, 1, 0.1), random_lora(TINY, 2, 0.1)


def product(tensors: Any, module: str) -> Any:
    a, b = (tensors[f"base_model.model.model.layers.0.{module}.lora_{matrix}.weight"] for matrix in "AB")
    return 2.0 * b @ a


def save(folder: Path, tensors: Any) -> Path:
    from safetensors.numpy import save_file

    folder.mkdir()
    save_file(tensors, folder / "weights.safetensors")
    return folder


@pytest.mark.parametrize(("to", "error"), [("f16", 2e-3), ("q8_0", 2e-2)])
@pytest.mark.parametrize("stored", ["F32", "Q4_1"])
def test_adapters_are_added_with_their_weights(stored: str, to: Precision, error: float, tmp_path: Path) -> None:
    base = write_base(tmp_path / "base.gguf", tensor_type=stored)
    one, two = write_lora(tmp_path / "one", ONE), write_lora(tmp_path / "two", TWO)
    steps: list[tuple[int, int]] = []
    merge(base, [(one, 0.5), (two, -1.0)], tmp_path / "new.gguf", to, progress=lambda *step: steps.append(step))
    (old_fields, old), (fields, new) = read_gguf(base), read_gguf(tmp_path / "new.gguf")
    for module, name in (("self_attn.q_proj", "blk.0.attn_q.weight"), ("mlp.up_proj", "blk.0.ffn_up.weight")):
        added = 0.5 * product(ONE, module) - product(TWO, module)
        added = permute(added, TINY_HEADS) if "q_proj" in module else added
        np.testing.assert_allclose(new[name], old[name] + added, atol=error)
        assert np.abs(added).max() > 0.2
    assert steps[-1] == (len(old), len(old))
    assert fields["general.file_type"] == {"f16": 1, "q8_0": 7}[to]
    same = [name for name in old_fields if not name.startswith("GGUF.")]
    assert {name: fields[name] for name in same} == {name: old_fields[name] for name in same}
    kinds = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "new.gguf").tensors}
    assert kinds["blk.1.ffn_down.weight"] == {"f16": "F16", "q8_0": "Q8_0"}[to]
    assert kinds["token_embd.weight"] == stored  # unchanged: it is not rounded again
    np.testing.assert_array_equal(new["token_embd.weight"], old["token_embd.weight"])


def test_trained_parameters_replace_those_of_the_base(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base.gguf")
    _, old = read_gguf(base)
    trained = np.random.default_rng(3).normal(0, 1, (64, 64)).astype(np.float32)
    norm = np.full(64, 0.123456789, dtype=np.float32)
    sparse = np.zeros((96, 64), dtype=np.float32)
    sparse[3, 5], sparse[90, 1] = 2.0, -1.0
    folder = save(
        tmp_path / "peft",
        {
            "model.layers.0.self_attn.q_proj.weight": trained,
            "model.norm.weight": norm,
            "model.layers.1.mlp.up_proj.weight.indices": np.array([[3, 90], [5, 1]], dtype=np.int64),
            "model.layers.1.mlp.up_proj.weight.values": np.array([2.0, -1.0], dtype=np.float32),
        },
    )
    merge(base, [(folder, 1.0)], tmp_path / "new.gguf", "f16")
    _, new = read_gguf(tmp_path / "new.gguf")
    np.testing.assert_allclose(new["blk.0.attn_q.weight"], permute(trained, TINY_HEADS), atol=2e-3)
    np.testing.assert_allclose(new["output_norm.weight"], norm, rtol=1e-6)  # vectors are not rounded
    np.testing.assert_allclose(new["blk.1.ffn_up.weight"], old["blk.1.ffn_up.weight"] + sparse, atol=2e-3)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"model.norm.weight": np.ones(3, dtype=np.float32)}, r"must have the shape \(64,\), got \(3,\)"),
        ({"model.layers.0.mlp.bottleneck.up.weight": np.ones(3, dtype=np.float32)}, "there is no such tensor"),
        (
            {
                "model.layers.1.mlp.up_proj.weight.indices": np.array([[300], [0]]),
                "model.layers.1.mlp.up_proj.weight.values": np.ones(1, dtype=np.float32),
            },
            "does not fit base.gguf",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tensors: Any, says: str, tmp_path: Path) -> None:
    base = write_base(tmp_path / "base.gguf")
    with pytest.raises((InputError, UsageError), match=says):
        merge(base, [(save(tmp_path / "peft", tensors), 1.0)], tmp_path / "new.gguf")


def test_less_precision_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"stored as f16 or q8_0, got 'q4_1': .* 54 of 75 cases solved 4"):
        merge(tmp_path / "base.gguf", [], tmp_path / "new.gguf", "q4_1")  # type: ignore[arg-type]


def test_an_activated_lora_is_not_merged(tmp_path: Path) -> None:
    folder = write_lora(tmp_path / "peft", ONE, alora_invocation_tokens=[1, 2])
    with pytest.raises(UsageError, match="an activated LoRA cannot be merged"):
        merge(write_base(tmp_path / "base.gguf"), [(folder, 1.0)], tmp_path / "new.gguf")


def test_a_kill_leaves_the_old_file(tmp_path: Path) -> None:
    base, folder, target = write_base(tmp_path / "base.gguf"), write_lora(tmp_path / "peft", ONE), tmp_path / "new.gguf"
    target.write_bytes(b"old")
    script = f"""
import os, signal
from pathlib import Path
from reasoning.tuning.conversion.merge import merge
def progress(done, total):
    if done == total // 2:
        os.kill(os.getpid(), signal.SIGKILL)
merge(Path({str(base)!r}), [(Path({str(folder)!r}), 1.0)], Path({str(target)!r}), progress=progress)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"
    merge(base, [(folder, 1.0)], target)
    assert len(read_gguf(target)[1]) == len(read_gguf(base)[1])
