"""`reasoning tune list`, `show`, `merge` and `remove`, and adapters where models are listed and completed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reasoning.cli.app import app
from reasoning.cli.completion import complete_adapters, complete_models
from reasoning.providers import adapters
from reasoning.providers.adapters import ServedBy
from reasoning.providers.llama_cpp import weights

BASE = "smollm2-135m"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def make(
    name: str, base: str = BASE, sha256: str = "", method: str = "lora", served_by: ServedBy = "llama.cpp"
) -> None:
    with adapters.create(base, name) as folder:
        (folder / "adapter.gguf").write_bytes(b"GGUF" + name.encode())
        (folder / "peft").mkdir()
        (folder / "peft" / "adapter_config.json").write_text("{}")
        adapters.describe(
            folder,
            name,
            base,
            sha256 or weights.entry(BASE).sha256,
            method,
            served_by,
            settings={"rank": 16, "exact_before": 0},
            examples={"number": 400, "step": "categories"},
            scores={"held_out": 40, "exact": 29, "loss": 0.1},
        )


def run(*words: str) -> Result:
    return CliRunner().invoke(app(), ["tune", *words])


def test_the_table_shows_what_decides() -> None:
    assert "`reasoning tune train` makes one" in run("list").output
    make("cat")
    make("dog")
    table = run("list").output
    assert [word in table for word in ("cat", "dog", BASE, "lora", "400", "29/40 exact, before 0", "llama.cpp")] == [
        True
    ] * 7
    assert "--model local:smollm2-135m+cat" in table
    listed = json.loads(run("list", "--json").stdout)["adapters"]
    assert [one["name"] for one in listed] == ["cat", "dog"]
    assert listed[0]["scores"]["exact"] == 29
    assert listed[0]["model"] == "local:smollm2-135m+cat"


def test_a_damaged_one_is_named_and_left_out() -> None:
    make("cat")
    make("dog")
    (adapters.find(BASE, "cat").folder / "adapter.gguf").unlink()
    result = run("list", "--json")
    assert [one["name"] for one in json.loads(result.stdout)["adapters"]] == ["dog"]
    assert "cat: " in result.stderr
    assert "adapter.gguf is missing" in result.stderr


@pytest.mark.parametrize("name", ["cat", "smollm2-135m+cat", "local:smollm2-135m+cat"])
def test_one_is_shown_by_each_of_its_names(name: str) -> None:
    make("cat")
    shown = json.loads(run("show", name, "--json").stdout)
    assert (shown["model"], shown["sha256"]) == ("local:smollm2-135m+cat", adapters.find(BASE, "cat").sha256)
    text = run("show", name).output
    assert "settings: rank" in text
    assert "examples: step" in text


def test_changed_weights_are_not_shown_as_whole() -> None:
    make("cat")
    (adapters.find(BASE, "cat").folder / "adapter.gguf").write_bytes(b"GGUFxyz")
    result = run("show", "cat")
    assert "the adapter 'cat' is damaged" in str(result.exception)


def test_unknown_and_ambiguous_names_are_refused() -> None:
    make("cat")
    make("cat", "other.gguf@0123456789ab")
    assert "unknown adapter 'car' of smollm2-135m; did you mean 'cat'?" in str(
        run("show", "smollm2-135m+car").exception
    )
    assert "several bases have an adapter 'cat': write" in str(run("show", "cat").exception)
    assert "unknown adapter 'fox'" in str(run("show", "fox").exception)
    assert "give one adapter, as in local:" in str(run("show", "local:smollm2-135m").exception)


def test_one_is_removed() -> None:
    make("cat")
    folder = adapters.find(BASE, "cat").folder
    assert run("remove", "cat").stdout == f"removed {folder}\n"
    assert not folder.exists()
    assert "unknown adapter 'cat'" in str(run("remove", "cat").exception)


def test_what_cannot_be_merged_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    make("cat")
    make("dog", "mine.gguf@0123456789ab", "ab" * 32)
    make("soft", method="prefix", served_by="torch")
    for words, says in (
        (["cat", "--to", "q4_1"], "merged weights must be stored as f16 or q8_0, got 'q4_1'"),
        (["cat=x"], "the weight of an adapter must be a number from -10 to 10"),
        (["cat=nan"], "the weight of an adapter must be a number from -10 to 10"),
        (["cat", "cat=0.5"], "several adapters must be merged into a file of your choice"),
        (["cat", "cat=0.5", "--out", str(tmp_path / "new.gguf")], "each adapter must be given once"),
        (["soft"], "prefix changes no weights of the base; use it with --model torch:smollm2-135m+soft"),
        (["cat", "--out", str(tmp_path / "new.bin")], "--out must end in .gguf"),
        (["dog"], "the base of the adapter 'dog' is your own file: write local:PATH/mine.gguf+dog"),
        (["fox"], "unknown adapter 'fox'"),
    ):
        assert says in str(run("merge", *words).exception)


def test_a_file_with_its_adapter_is_merged(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    pytest.importorskip("safetensors")
    from reasoning.providers.llama_cpp.base_weights import find_base, hash_file
    from tests.tuning.lora_files import TINY, random_lora, read_gguf, write_base, write_lora

    path = write_base(tmp_path / "mine.gguf")
    base = find_base(f"local:{path}").name
    with adapters.create(base, "cat") as folder:
        write_lora(folder / "peft", random_lora(TINY, 1, 0.1))
        (folder / "adapter.gguf").write_bytes(b"GGUF")
        adapters.describe(folder, "cat", base, hash_file(path), "lora", "llama.cpp")
    result = run("merge", f"local:{path}+cat", "--to", "f16")
    merged = adapters.find(base, "cat").folder / "merged-f16.gguf"
    assert result.stdout == f"{merged}\n"
    assert f"--model local:{merged}" in result.stderr
    assert len(read_gguf(merged)[1]) == len(read_gguf(path)[1])
    adapters.find(base, "cat").verify()
    assert "must be another file than the base" in str(run("merge", f"local:{path}+cat", "--out", str(path)).exception)


def test_adapters_are_listed_and_completed_with_the_models() -> None:
    make("cat")
    listed = json.loads(CliRunner().invoke(app(), ["models", "list", "--json"]).stdout)
    assert listed["adapters"] == [{"adapter": "local:smollm2-135m+cat", "method": "lora", "served by": "llama.cpp"}]
    context = type("Context", (), {"params": {}})()
    assert "local:smollm2-135m+cat" in complete_models(context, "local:smol")
    assert complete_adapters(context, "") == ["smollm2-135m+cat"]
