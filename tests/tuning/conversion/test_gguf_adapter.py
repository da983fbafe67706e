"""LoRA from peft to GGUF: names, rows, scales; and what llama.cpp would compute differently is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reasoning.errors import InputError, ReasoningError, UsageError
from reasoning.tuning.conversion.gguf_adapter import write_gguf_adapter
from tests.tuning.lora_files import (
    TINY,
    TINY_HEADS,
    TINY_KV_HEADS,
    random_lora,
    read_gguf,
    write_base,
    write_lora,
)

pytest.importorskip("gguf")
pytest.importorskip("safetensors")

TENSORS = random_lora(TINY, 1, 0.1)
PREFIX = "base_model.model.model.layers.0"


def convert(folder: Path, kind: str = "llama", tensors: Any = TENSORS, **config: Any) -> tuple[Any, Any]:
    target = folder / "adapter.gguf"
    write_gguf_adapter(write_lora(folder / "peft", tensors, **config), write_base(folder / "base.gguf", kind), target)
    return read_gguf(target)


def permute(rows: Any, heads: int) -> Any:
    """Return rows as llama.cpp keeps them: those that a rotation takes together stand together."""
    size = rows.shape[0] // heads
    order = [head * size + half * size // 2 + i for head in range(heads) for i in range(size // 2) for half in (0, 1)]
    return rows[order]


def test_the_tensors_have_the_names_of_the_base_and_the_fields_say_what_they_are(tmp_path: Path) -> None:
    fields, tensors = convert(tmp_path)
    assert fields["general.type"] == "adapter"
    assert fields["adapter.type"] == "lora"
    assert fields["general.architecture"] == "llama"
    assert fields["adapter.lora.alpha"] == 8
    assert "adapter.alora.invocation_tokens" not in fields
    _, base = read_gguf(tmp_path / "base.gguf")
    assert {name.rpartition(".lora_")[0] for name in tensors} == {
        name for name in base if ".attn_" in name or "ffn" in name
    }
    for name, tensor in tensors.items():
        weight, _, matrix = name.rpartition(".lora_")
        outputs, inputs = base[weight].shape
        assert tensor.shape == ((4, inputs) if matrix == "a" else (outputs, 4))


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_only_the_rows_of_q_and_k_of_llama_are_permuted(kind: str, tmp_path: Path) -> None:
    _, tensors = convert(tmp_path, kind)
    for module, short, heads in (
        ("self_attn.q_proj", "attn_q", TINY_HEADS),
        ("self_attn.k_proj", "attn_k", TINY_KV_HEADS),
        ("self_attn.v_proj", "attn_v", 0),
        ("self_attn.o_proj", "attn_output", 0),
        ("mlp.down_proj", "ffn_down", 0),
    ):
        a, b = (TENSORS[f"{PREFIX}.{module}.lora_{matrix}.weight"] for matrix in "AB")
        expected = permute(b, heads) if heads and kind == "llama" else b
        np.testing.assert_array_equal(tensors[f"blk.0.{short}.weight.lora_a"], a)
        np.testing.assert_array_equal(tensors[f"blk.0.{short}.weight.lora_b"], expected)
    assert not np.array_equal(
        permute(TENSORS[f"{PREFIX}.self_attn.q_proj.lora_B.weight"], 4),
        TENSORS[f"{PREFIX}.self_attn.q_proj.lora_B.weight"],
    )


@pytest.mark.parametrize(
    ("config", "scale"), [({}, 8 / 4), ({"use_rslora": True}, 8 / 2), ({"alpha_pattern": {"down_proj": 20}}, 20 / 4)]
)
def test_the_scale_is_that_of_peft(config: dict[str, Any], scale: float, tmp_path: Path) -> None:
    fields, tensors = convert(tmp_path, **config)
    name = "mlp.down_proj"
    a, b = (TENSORS[f"{PREFIX}.{name}.lora_{matrix}.weight"] for matrix in "AB")
    got = tensors["blk.0.ffn_down.weight.lora_b"] @ tensors["blk.0.ffn_down.weight.lora_a"]
    np.testing.assert_allclose(got * fields["adapter.lora.alpha"] / 4, scale * b @ a, atol=1e-5)


def test_an_activated_lora_begins_one_token_later_than_llama_cpp_is_told(tmp_path: Path) -> None:
    fields, _ = convert(tmp_path, alora_invocation_tokens=[5, 6, 7])
    assert fields["adapter.alora.invocation_tokens"] == [6, 7]
    with pytest.raises(UsageError, match="'alora_invocation_tokens' must have at least 2 tokens, got 1"):
        convert(tmp_path, alora_invocation_tokens=[5])


def test_other_types_of_numbers_are_read(tmp_path: Path) -> None:
    half = {name: array.astype(np.float16) for name, array in TENSORS.items()}
    _, tensors = convert(tmp_path, tensors=half)
    np.testing.assert_allclose(
        tensors["blk.1.ffn_up.weight.lora_b"],
        TENSORS["base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"],
        atol=1e-3,
    )


def test_bfloat16_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    write_lora(tmp_path / "peft", TENSORS)
    halves = {name: torch.from_numpy(array).to(torch.bfloat16) for name, array in TENSORS.items()}
    save_file(halves, tmp_path / "peft" / "adapter_model.safetensors")
    write_gguf_adapter(tmp_path / "peft", write_base(tmp_path / "base.gguf"), tmp_path / "adapter.gguf")
    _, tensors = read_gguf(tmp_path / "adapter.gguf")
    name = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"
    np.testing.assert_array_equal(tensors["blk.1.ffn_up.weight.lora_b"], halves[name].float().numpy())


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"use_dora": True}, r"DoRA \(use_dora\) cannot be converted"),
        ({"peft_type": "LOHA"}, "only LoRA can be converted for llama.cpp, got 'LOHA'"),
        ({"peft_type": "IA3"}, "only LoRA can be converted for llama.cpp, got 'IA3'"),
        ({"bias": "all"}, r"trained biases \(bias='all'\) cannot be converted"),
        ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights='pissa_niter_4' changes the base"),
        ({"modules_to_save": ["lm_head"]}, r"the setting modules_to_save=\['lm_head'\] cannot be converted"),
        ({"trainable_token_indices": [1]}, r"the setting trainable_token_indices=\[1\] cannot be converted"),
        ({"a_setting_of_tomorrow": True}, "the setting a_setting_of_tomorrow=True cannot be converted"),
        ({"alpha_pattern": {"(a+)+$": 2}}, "'alpha_pattern' must have the names of modules"),
        ({"lora_alpha": 0}, "'lora_alpha' must be a number above 0, got 0"),
        ({"alora_invocation_tokens": ["x", -1]}, "'alora_invocation_tokens' must be a list of tokens"),
    ],
)
def test_what_llama_cpp_computes_differently_is_refused_by_name(config: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(ReasoningError, match=says):
        convert(tmp_path, **config)
    assert not (tmp_path / "adapter.gguf").exists()


def changed(**tensors: Any) -> dict[str, Any]:
    """Return the tensors with others for one layer or for the output matrix; None removes one."""
    names = {"a": f"{PREFIX}.mlp.up_proj.lora_A.weight", "b": f"{PREFIX}.mlp.up_proj.lora_B.weight"}
    names |= {"magnitude": f"{PREFIX}.mlp.up_proj.lora_magnitude_vector"}
    names |= {f"output_{m.lower()}": f"base_model.model.lm_head.lora_{m}.weight" for m in "AB"}
    new = {names[name]: tensor for name, tensor in tensors.items()}
    return {name: tensor for name, tensor in {**TENSORS, **new}.items() if tensor is not None}


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        (changed(b=None), "must have lora_A and lora_B, got lora_A only"),
        (changed(magnitude=np.ones(3)), "lora_magnitude_vector cannot be converted"),
        (changed(output_a=np.ones((4, 64)), output_b=np.ones((40, 4))), "it shares the weights of the embedding"),
        (changed(b=np.ones((7, 4))), r"must have the shapes \(rank, 64\) and \(96, rank\) .* another base"),
        (changed(b=np.full((96, 4), np.nan)), "not finite: the training has diverged"),
        ({}, "must hold the matrices of a LoRA, got none"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tensors: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(ReasoningError, match=says):
        convert(tmp_path, tensors=tensors)


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must be a model of the kind llama, qwen2, qwen3 .*, got 'falcon'"):
        convert(tmp_path, "falcon")


@pytest.mark.parametrize("damage", ["adapter_config.json", "adapter_model.safetensors"])
def test_damaged_files_are_refused(damage: str, tmp_path: Path) -> None:
    folder, base = write_lora(tmp_path / "peft", TENSORS), write_base(tmp_path / "base.gguf")
    (folder / damage).write_bytes(b"\x80pickle")
    with pytest.raises(InputError, match=damage):
        write_gguf_adapter(folder, base, tmp_path / "new.gguf")
    (folder / damage).unlink()
    with pytest.raises(InputError, match=f"{damage}: cannot be read"):
        write_gguf_adapter(folder, base, tmp_path / "new.gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.gguf", "peft"]
