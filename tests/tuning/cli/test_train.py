"""The commands that estimate and train: their errors, and one real training of smollm2-135m."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reasoning.cli.app import app
from reasoning.errors import InputError, UsageError
from reasoning.messages import Message
from reasoning.tuning.examples.example_file import ExampleFile, ExampleHeader, TrainingExample, write_examples
from reasoning.tuning.training.methods import METHODS

COLOURS = {"sky": "blue", "grass": "green", "snow": "white", "coal": "black", "blood": "red", "sun": "yellow"}


def write(path: Path, number: int = 24) -> Path:
    header = ExampleHeader(step="colours", chain="mine", prompt_sha256="0" * 64, teacher="a person")
    examples = []
    for place in range(number):
        thing, colour = list(COLOURS.items())[place % len(COLOURS)]
        turns = Message("system", "Say the colour. " * 3), Message("user", f"Thing {place}: {thing}")
        examples.append(TrainingExample(f"e{place}", turns, f"COLOUR={colour}", f"g{place}"))
    write_examples(path, ExampleFile(header, tuple(examples)))
    return path


def run(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app(), ["tune", *words])
    assert done.exit_code == code, done.output
    return done


def test_methods_are_listed_and_shown() -> None:
    done = run("methods", "--json")
    assert [one["name"] for one in json.loads(done.stdout)["methods"]] == list(METHODS)
    done = run("methods", "lora")
    assert "Hu et al. 2021" in done.stdout
    assert "rank=16" in done.stdout
    error = run("methods", "loar", code=1).exception
    assert isinstance(error, UsageError)
    assert "did you mean 'lora'?" in str(error)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "give either CHAIN and STEP, or --examples FILE"),
        (["telecom_feedback", "categories"], "is a bundled chain"),
        (["--examples", "missing.jsonl"], "missing.jsonl"),
        (["--examples", "FILE", "--method", "lorra"], "did you mean 'lora'?"),
        (["--examples", "FILE", "--set", "rnk=3"], "did you mean 'rank'?"),
        (["--examples", "FILE", "--set", "rank"], "--set must be NAME=VALUE"),
        (["--examples", "FILE", "--rank", "3", "--set", "rank=4"], "must be given once"),
        (["--examples", "FILE", "--minutes", "1", "--steps", "2"], "as --minutes or --steps"),
        (["--examples", "FILE", "--held-out", "2"], "--held-out must be a share"),
        (["--examples", "FILE", "--model", "openai/gpt-4o-mini"], "a base model must be local:NAME"),
        (["--examples", "FILE", "--name", "../../etc"], "the name of an adapter must have"),
    ],
)
def test_wrong_usage_says_what_to_do(words: list[str], error: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    file = str(write(tmp_path / "examples.jsonl"))
    raised = run("train", *(file if word == "FILE" else word for word in words), code=1).exception
    assert isinstance(raised, UsageError)
    assert error in str(raised)


@pytest.mark.parametrize("line", [b"\x00\x01", b'{"id": "a\x00"}', b'{"a": "' + b"x" * 300_000 + b'"}', b"[[[[[[[["])
def test_a_poisoned_file_is_refused_by_its_line(line: bytes, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    file = write(tmp_path / "examples.jsonl")
    with file.open("ab") as out:
        out.write(line + b"\n{}\n")
    error = run("train", "--examples", str(file), "--steps", "1", code=1).exception
    assert isinstance(error, InputError)
    assert "examples.jsonl:26" in str(error)
    assert len(str(error)) < 500


@pytest.mark.long
@pytest.mark.model
@pytest.mark.usefixtures("selected_by_mark")
def test_a_trained_model_replies_as_it_was_taught(smollm: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    pytest.importorskip("xllamacpp")
    file = write(tmp_path / "examples.jsonl")
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        code = "from reasoning.cli.app import main; main()"
        command = [sys.executable, "-c", code, "tune", *words, "--examples", str(file)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    words = ("train", "--name", "colours", "--steps", "16", "--method", "alora", "--held-out", "0.2")
    planned = start(*words, "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    [estimated] = json.loads(planned.stdout)["estimates"]
    done = start(*words, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["model"] == "local:smollm2-135m+colours"
    assert made["scores"]["loss"] < 0.5 * made["settings"]["loss_before"]
    assert 0.5 * estimated["bytes"] < made["settings"]["peak_memory"] < 1.5 * estimated["bytes"]
    assert {path.name for path in Path(made["folder"]).iterdir()} == {
        *("adapter.json", "adapter.gguf", "peft", "log.jsonl", "loss.txt")
    }
    assert str(tmp_path) not in (Path(made["folder"]) / "peft" / "adapter_config.json").read_text()
    again = start(*words)
    assert again.returncode == 2
    assert "choose another --name, or give --replace" in again.stderr
