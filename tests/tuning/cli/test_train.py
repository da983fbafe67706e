"""The commands that estimate and train: their errors, and one real training of smollm2-135m."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reasoning import tuning
from reasoning.cli.app import app
from reasoning.errors import InputError, UsageError
from reasoning.messages import Message
from reasoning.providers.torch.base_model import BaseFiles
from reasoning.tuning.cli.train import _caveats
from reasoning.tuning.examples.example_file import (
    ExampleFile,
    ExampleHeader,
    TrainingExample,
    read_examples,
    write_examples,
)
from reasoning.tuning.training.methods import METHODS
from reasoning.tuning.training.tokens import TokenizedExample
from reasoning.tuning.training.work_folder import CHECKPOINTS, PEFT, RESULT, Job, write_job

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


@pytest.mark.parametrize(("teaches_strategy", "command"), [(True, "bench run"), (False, "tune compare")])
def test_few_held_out_examples_are_no_judgement(teaches_strategy: bool, command: str) -> None:
    (said,) = _caveats({"held_out": 12, "loss": 1.0}, {"best_loss": 1.0}, teaches_strategy=teaches_strategy)
    assert f"`reasoning {command}`" in said


def test_a_file_is_named_by_its_path_in_python(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    path = write(tmp_path / "examples.jsonl")
    with pytest.raises(UsageError, match="did you mean 'smollm2-135m'"):
        tuning.train(path, "local:smollm2-135", name="x", steps=1)
    with pytest.raises(UsageError, match="did you mean 'smollm2-135m'"):
        tuning.estimate(str(path), "local:smollm2-135")


def test_a_dry_run_keeps_the_checkpoint_of_an_interrupted_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("peft")
    from reasoning.providers.torch import base_model
    from reasoning.tuning.training import run as training
    from reasoning.tuning.training.memory import MemoryEstimate

    file, folder = write(tmp_path / "examples.jsonl"), tmp_path / "training"

    def prepare(*_: object) -> Path:
        one = TokenizedExample("g", (1, 2), (3,))
        write_job(folder, Job("base", "tiny", "lora", {}, 0, steps=1), [one], [one])
        return folder

    monkeypatch.setattr(base_model, "find_base", lambda *_: BaseFiles("tiny", tmp_path / "tiny.gguf", "0" * 64))
    monkeypatch.setattr(training, "find_folder", lambda *_: folder)
    monkeypatch.setattr(training, "prepare_folder", prepare)
    monkeypatch.setattr(training, "estimate_folder", lambda _: MemoryEstimate("lora", 32, 1, 1.0, 1.0, 1.0))
    words = ("train", "--examples", str(file), "--steps", "1", "--dry-run")
    assert "2 examples of at most 3 tokens" in run(*words).stdout
    assert not folder.exists()
    (folder / CHECKPOINTS / "step-1").mkdir(parents=True)
    assert run(*words).exit_code == 0
    assert (folder / CHECKPOINTS / "step-1").is_dir()


def test_an_adapter_counts_the_examples_that_it_was_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("peft")
    from reasoning.tuning.cli.train import describe
    from reasoning.tuning.training.memory import MemoryEstimate
    from reasoning.tuning.training.request import make_request
    from reasoning.tuning.training.result import keep_result

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder, one = tmp_path / "training", TokenizedExample("g", (1, 2), (3,))
    request = make_request(read_examples(write(tmp_path / "examples.jsonl")), "local:tiny", "prefix", steps=1)
    write_job(folder, Job("base", "tiny", "prefix", request.settings, 0, steps=1), [one] * 20, [one])
    (folder / PEFT).mkdir()
    (folder / PEFT / "adapter_model.safetensors").write_bytes(b"weights")
    log = [{"step": 1, "loss": 0.5, "seconds": 2.0}]
    result = {"log": log, "steps": 1, "trained_parameters": 64, "peak_memory": 10**9}
    (folder / RESULT).write_text(json.dumps(result))
    adapter = keep_result(folder, request, BaseFiles("tiny", tmp_path / "tiny.gguf", "0" * 64), "short", False)
    # Three of the file's 24 examples were too long.
    assert adapter.examples["number"] == 21
    shown = "\n".join(map(str, describe(adapter, MemoryEstimate("prefix", 32, 1, 1.0, 1.0, 1.0), 3).parts))
    assert "Trained short on tiny, on 21 examples; 3 examples with more than 2,048 tokens left out." in shown


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
