"""Local weights as a PyTorch model."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning import paths
from reasoning.errors import UnknownName, UsageError, WeightsError
from reasoning.messages import Message
from reasoning.providers.llama_cpp import weights

pytest.importorskip("peft")

from reasoning.providers.torch.base_model import convert_base, find_base, load_base


@pytest.mark.long
@pytest.mark.model
def test_the_smallest_model_is_converted_once_and_answers(smollm: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    base = load_base("local:smollm2-135m", lambda done, total, text: said.append(text))
    assert said[-1] == "loading smollm2-135m"
    assert (base.sha256, base.files.gguf) == (weights.entry("smollm2-135m").sha256, smollm)
    assert base.files.folder.is_dir()
    assert capfd.readouterr() == ("", "")
    turns = [Message("user", "What is the capital of France?")._asdict()]
    tokens = base.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")
    written = base.model.generate(**tokens, max_new_tokens=12, do_sample=False)
    assert "Paris" in base.tokenizer.decode(written[0])
    said.clear()
    load_base(f"local:{smollm}", lambda done, total, text: said.append(text))
    assert [text.partition("@")[0] for text in said] == ["loading smollm2-135m.gguf"]


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "local:smollm2-135m+cat", "ollama/llama3"])
def test_other_models_have_no_weights_here(name: str) -> None:
    with pytest.raises(UsageError, match=r"a base model must be local:NAME or local:FILE\.gguf, got"):
        find_base(name)


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'smollm2-135m'\?"):
        find_base("local:smollm2-135")


def test_a_damaged_file_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path / "cache")
    with pytest.raises(WeightsError, match="no such file"):
        find_base(f"local:{tmp_path / 'missing.gguf'}")
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(WeightsError, match="is not a GGUF file"):
        find_base(f"local:{file}")
    file.write_bytes(b"GGUF" + bytes(range(256)) * 40)
    files = find_base(str(file))
    assert files.name.startswith("mine.gguf@")
    assert len(files.sha256) == 64
    with pytest.raises(WeightsError, match=r"mine\.gguf@\w+ cannot be converted for PyTorch"):
        convert_base(files)
    assert list((tmp_path / "cache").rglob("*")) == [tmp_path / "cache" / "torch"]
