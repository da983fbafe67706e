"""The folders of adapters: created whole or not at all, found by name, refused if damaged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.providers import adapters
from reasoning.providers.adapters import Adapter

BASE, SHA = "tiny", "ab" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))
    return tmp_path / "adapters"


def make(name: str = "cat", weights: bytes = b"weights", replace: bool = False, **fields: Any) -> Adapter:
    with adapters.create(BASE, name, replace=replace) as folder:
        (folder / "peft").mkdir()
        (folder / "peft" / "adapter_config.json").write_text("{}")
        (folder / "peft" / "adapter_model.safetensors").write_bytes(weights)
        (folder / "peft" / "README.md").write_text("a page")
        (folder / "adapter.gguf").write_bytes(b"GGUF" + weights)
        (folder / "log.jsonl").write_text("{}\n")
        adapters.describe(folder, name, BASE, SHA, "lora", "llama.cpp", scores={"held_out": 0.5}, **fields)
    return adapters.find(BASE, name)


def change(adapter: Adapter, **fields: Any) -> None:
    path = adapter.folder / "adapter.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_an_adapter_is_found_by_its_name() -> None:
    made = make(examples={"number": 3})
    assert (made.name, made.base, made.base_sha256, made.method) == ("cat", BASE, SHA, "lora")
    assert (made.scores, made.examples) == ({"held_out": 0.5}, {"number": 3})
    assert made.model == "local:tiny+cat"
    assert sorted(made.files) == ["adapter.gguf", "peft/adapter_config.json", "peft/adapter_model.safetensors"]
    assert made.bytes > 20
    made.verify()
    assert adapters.all_adapters() == [made]
    assert adapters.names() == adapters.names(BASE) == [(BASE, "cat")]
    adapters.remove(made)
    assert adapters.all_adapters() == []
    assert not list(adapters.folder().rglob("*"))


def test_the_hash_is_of_what_changes_replies() -> None:
    first = make("cat")
    assert make("same").sha256 == first.sha256
    assert make("other", b"others").sha256 != first.sha256
    again = make("cat", b"trained again", replace=True)
    assert again.sha256 != first.sha256


def test_an_unknown_one_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown adapter 'cat' of tiny; it has none yet"):
        adapters.find(BASE, "cat")
    make()
    with pytest.raises(UnknownName, match=r"unknown adapter 'cats' of tiny; did you mean 'cat'\?"):
        adapters.find(BASE, "cats")


@pytest.mark.parametrize(
    "name", ["", "..", ".hidden", "a/b", "a\\b", "a+b", "a@b", "a b", "-x", "x" * 65, "a.gguf", "é"]
)
def test_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="the name of an adapter must"):
        adapters.find(BASE, name)
    with pytest.raises(UsageError, match="the name of an adapter must"), adapters.create(BASE, name):
        pytest.fail("the folder was created")


@pytest.mark.parametrize("base", ["", "..", "a/b", "a\\b", "C:x"])
def test_bases_that_could_leave_the_folder_are_refused(base: str) -> None:
    with pytest.raises(UsageError, match="the base of an adapter must"):
        adapters.find(base, "cat")


def test_a_name_that_is_taken_is_refused_and_what_is_replaced_stays_until_the_end(home: Path) -> None:
    first = make()
    with pytest.raises(UsageError, match=r"the adapter 'cat' of tiny exists: .*`reasoning tune remove tiny\+cat`"):
        make()
    with pytest.raises(ZeroDivisionError), adapters.create(BASE, "cat", replace=True):
        raise ZeroDivisionError
    assert adapters.find(BASE, "cat") == first
    assert [path.name for path in (home / BASE).iterdir()] == ["cat"]


def test_nothing_is_left_of_one_that_lacks_something(home: Path) -> None:
    with pytest.raises(InputError, match=r"adapter\.json: cannot be read"), adapters.create(BASE, "cat"):
        pass
    with pytest.raises(InputError, match=r"'files' must name adapter\.gguf"), adapters.create(BASE, "cat") as folder:
        adapters.describe(folder, "cat", BASE, SHA, "lora", "llama.cpp")
    assert list((home / BASE).iterdir()) == []


def test_nothing_is_loaded_of_what_a_killed_process_left() -> None:
    script = f"""
import os, signal
from reasoning.providers import adapters
with adapters.create({BASE!r}, "cat") as folder:
    adapters.describe(folder, "cat", {BASE!r}, {SHA!r}, "lora", "llama.cpp")
    (folder / "adapter.gguf").write_bytes(b"GGUF")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    place = adapters.folder() / BASE
    [left] = place.iterdir()
    assert adapters.all_adapters() == []
    assert adapters.names() == []
    with pytest.raises(UnknownName):
        adapters.find(BASE, "cat")
    os.utime(left, (0, 0))
    make()
    assert [path.name for path in place.iterdir()] == ["cat"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"format": 2}, "'format' must be 1, got 2"),
        ({"name": "dog"}, "'name' must be the folder's 'cat', got 'dog'"),
        ({"base": {"model": "other", "sha256": SHA}}, "'base.model' must be 'tiny', got 'other'"),
        ({"base": {"model": BASE, "sha256": "short"}}, "'base' must have 'model' and 'sha256'"),
        ({"base": "tiny"}, "'base' must have 'model' and 'sha256'"),
        ({"served_by": "magic"}, "'served_by' must be one of llama.cpp, torch, merged, got 'magic'"),
        ({"method": "\x1b[31m"}, "'method' must be the name of a method"),
        ({"scores": []}, "'scores' must be an object"),
        ({"files": {"../../secret": SHA}}, "'files' must name weights in the folder"),
        ({"files": {"peft/..": SHA}}, "'files' must name weights in the folder"),
        ({"files": {"peft/missing": SHA}}, "peft/missing is missing"),
        ({"files": {}}, "'files' must name adapter.gguf"),
    ],
)
def test_a_damaged_description_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    made = make()
    change(made, **fields)
    with pytest.raises(InputError) as error:
        adapters.find(BASE, "cat")
    assert f"{made.folder / 'adapter.json'}: {says}" in str(error.value)
    assert "train the adapter again, or remove" in str(error.value)
    assert adapters.all_adapters() == []
    assert adapters.damaged_folders() == [(made.folder, str(error.value))]


def test_a_file_that_is_no_json_is_refused() -> None:
    made = make()
    (made.folder / "adapter.json").write_bytes(b"\0\xff")
    with pytest.raises(InputError, match=r"adapter\.json: not UTF-8"):
        adapters.find(BASE, "cat")


def test_changed_weights_are_refused() -> None:
    made = make()
    (made.folder / "adapter.gguf").write_bytes(b"GGUFweightZ")
    with pytest.raises(InputError, match=r"the adapter 'cat' is damaged: .*adapter\.gguf must have the SHA-256"):
        adapters.find(BASE, "cat").verify()


@pytest.mark.parametrize(
    ("model", "split"),
    [
        ("local", ("local", ())),
        ("local:tiny", ("local:tiny", ())),
        ("local+cat", ("local", ("cat",))),
        ("local:tiny+cat", ("local:tiny", ("cat",))),
        ("local:tiny+cat+dog", ("local:tiny", ("cat", "dog"))),
        ("torch:tiny+cat", ("torch:tiny", ("cat",))),
        ("local:mine.gguf+cat", ("local:mine.gguf", ("cat",))),
        ("local:/a+b/mine.GGUF+cat", ("local:/a+b/mine.GGUF", ("cat",))),
        ("local:a+b.gguf", ("local:a+b.gguf", ())),
        ("local:/a+b/mine", ("local:/a+b/mine", ())),
        ("openai/a+b", ("openai/a+b", ())),
        ("ollama/x:1+b", ("ollama/x:1+b", ())),
    ],
)
def test_models_are_split_from_their_adapters(model: str, split: tuple[str, tuple[str, ...]]) -> None:
    assert adapters.split_model(model) == split


@pytest.mark.parametrize("model", ["local:tiny+", "local:tiny+cat+", "local:tiny+cat dog", "local:tiny+cat+cat"])
def test_models_with_invalid_adapters_are_refused(model: str) -> None:
    with pytest.raises(UsageError, match=r"the name of an adapter must|must name each adapter once"):
        adapters.split_model(model)
