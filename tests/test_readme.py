"""The first examples that a user meets, run as they stand on the default model: what they print is right."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import reasoning
from reasoning.errors import ReasoningError
from reasoning.providers.llama_cpp import download, weights

ROOT = Path(reasoning.__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_STEPS = (ROOT / "docs/tutorials/first-steps.md").read_text(encoding="utf-8")
HOME = weights.folder().parent
"""The user's folder of weights, before any test redirects it."""
QUESTION, CHAIN, TECHNIQUE = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
[LOOP] = re.findall(r"^```python\n(.*?)^```", FIRST_STEPS, re.DOTALL | re.MULTILINE)
_asked = re.findall(r"^    (reasoning ask [^#\n]*?) *# ([\d.]+)$", README + FIRST_STEPS, re.MULTILINE)
ASKS = [pytest.param(shlex.split(command), expected, id=expected) for command, expected in dict(_asked).items()]
"""The questions on the command line whose answers the pages tell."""


@pytest.fixture(scope="session")
def _default_model() -> None:
    """Skip without the weights of the default model, which are downloaded once into the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "folder", lambda: HOME / "weights")
        try:
            download.ensure(weights.DEFAULT)
        except ReasoningError as error:
            pytest.skip(str(error))


def run(arguments: list[str], folder: Path) -> str:
    """Return what a program of Python prints, without a warning. Its draws are recorded in a folder of their own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**os.environ, "REASONING_HOME": str(HOME), "XDG_DATA_HOME": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.model
@pytest.mark.usefixtures("_default_model")
def test_the_question_of_the_readme_is_answered_rightly(tmp_path: Path) -> None:
    first, answer = run(["-c", QUESTION], tmp_path).splitlines()
    value, confidence = first.split()
    assert value == "9.5"
    assert float(confidence) >= 0.6
    assert answer.startswith("Answered(value=9.5, confidence=0.")
    assert ", votes=<9.5: " in answer


@pytest.mark.model
@pytest.mark.usefixtures("_default_model")
def test_the_chain_of_the_readme_finds_the_two_complaints(tmp_path: Path) -> None:
    printed = run(["-c", CHAIN], tmp_path).lower()
    found, _, reply = printed.partition(") ")
    assert len(found.split("',")) == 2, found
    assert "soup" in found.partition("',")[0]
    assert "waiter" in found.partition("',")[2]
    assert re.search("apolog|sorry", reply), reply


@pytest.mark.model
@pytest.mark.usefixtures("_default_model")
def test_the_technique_of_the_readme_answers_rightly(tmp_path: Path) -> None:
    assert run(["-c", TECHNIQUE], tmp_path).startswith("Answered(value=10.5, usage=<2 calls")


@pytest.mark.model
@pytest.mark.usefixtures("_default_model")
def test_the_loop_of_the_first_steps_prints_what_the_page_says(tmp_path: Path) -> None:
    lines = run(["-c", LOOP], tmp_path).splitlines()
    assert [line.partition(" answered ")[0] for line in lines] == [
        "vanilla",
        "program_of_thoughts",
        "self_consistency(program_of_thoughts, samples=5)",
    ]
    values = [line.partition(" answered ")[2].split()[0] for line in lines]
    assert values[0] != "9.5"  # the page says so
    assert values[1:] == ["9.5", "9.5"]


@pytest.mark.model
@pytest.mark.usefixtures("_default_model")
@pytest.mark.parametrize(("words", "expected"), ASKS)
def test_a_question_on_the_command_line_is_answered_as_the_page_says(
    words: list[str], expected: str, tmp_path: Path
) -> None:
    code = "from reasoning.cli.app import main; main()"
    printed = run(["-c", code, *(word for word in words[1:] if word != "--trace")], tmp_path)
    assert float(printed) == float(expected)


def test_the_pages_have_questions_with_their_answers() -> None:
    assert len(ASKS) >= 2


def test_the_readme_is_short() -> None:
    assert README.count("\n") <= 142
