"""The configuration of the sandbox: what can be written, what is refused, and that sessions use it."""

import json
import os
import sys

import pytest

import reasoning
from reasoning import kinds, sandbox
from reasoning.errors import UnknownName, UsageError
from reasoning.problem import Problem
from reasoning.sandbox import Sandbox, container, shared_interpreter
from reasoning.testing import ScriptedLLM
from tests import command_line
from tests.sandbox.test_container import ENGINE

SUM = "```python\nimport numpy\nans = int(numpy.arange(4).sum())\n```"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the locks are Linux's")


@pytest.mark.parametrize(
    "value",
    [
        Sandbox(),
        Sandbox("interpreter", seconds=0.5),
        Sandbox("process", packages=["numpy", "sympy"], memory_mb=256),
        Sandbox("process", packages=()),
        Sandbox("process", require_lockdown=False),
        Sandbox("container", image="ghcr.io/me/python:3.13-slim", seconds=10),
    ],
)
def test_a_sandbox_is_written_and_read(value):
    assert Sandbox.parse(str(value)) == value == Sandbox.of(str(value)) == Sandbox.of(value)
    assert hash(value) == hash(Sandbox.parse(str(value)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("container", "needs an image"),
        ("container, image=", "image in the sandbox"),
        ("process, image=python", "image needs the sandbox mode 'container'"),
        ("interpreter, packages=numpy", "packages needs the sandbox mode 'process'"),
        ("container, image=python, packages=numpy", "those of its image"),
        ("process, packages=../x", "got '../x'"),
        ("process, memory_mb=much", "whole number of megabytes"),
        ("process, memory_mb=0", "memory_mb must be above 0"),
        ("process, seconds=inf", "seconds must be above 0 and finite"),
        ("process, seconds", "a number of seconds"),
        ("process, require_lockdown=maybe", "yes or no"),
        ("interpreter, require_lockdown=no", "require_lockdown=False needs"),
    ],
)
def test_a_contradiction_is_refused(text, words):
    with pytest.raises(UsageError, match=words):
        Sandbox.parse(text)


def test_an_unknown_word_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'container'"):
        Sandbox.parse("contaner, image=python")
    with pytest.raises(UnknownName, match="did you mean 'memory_mb'"):
        Sandbox.parse("process, memory=256")
    with pytest.raises(UsageError, match=r"or a reasoning\.Sandbox, got 3"):
        Sandbox.of(3)  # type: ignore[arg-type]


def test_equal_configurations_share_an_interpreter():
    assert shared_interpreter(Sandbox()) is shared_interpreter(Sandbox.parse("process"))
    assert shared_interpreter(Sandbox("interpreter")) is not shared_interpreter(Sandbox())


def test_connect_checks_the_mode(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs docker or podman"):
        reasoning.connect("local", journal=False, sandbox="container, image=python:3.13-slim")
    with pytest.raises(UsageError, match="missing: no_such_package"):
        reasoning.connect("local", journal=False, sandbox="process, packages=no_such_package, require_lockdown=no")
    assert reasoning.connect("local", journal=False, sandbox="interpreter").sandbox == Sandbox("interpreter")
    assert reasoning.connect("local", journal=False).sandbox is None


def solve(reply, sandbox):
    llm = ScriptedLLM([reply], sandbox=sandbox)
    return reasoning.strategies.get("program_of_thoughts").run(Problem("Sum?", kinds.Number()), llm)


@LINUX
def test_a_strategy_runs_its_programs_in_the_sandbox_of_its_model():
    assert solve(SUM, "process").value == 6
    assert solve(SUM, "process, packages=numpy").value == 6
    assert solve(SUM, "process, packages=sympy").state == "unparsed"
    assert solve(SUM, "interpreter").state == "unparsed"
    assert solve("```python\nans = sum(range(4))\n```", "interpreter").value == 6


@LINUX
def test_the_memory_limit_is_that_of_the_sandbox():
    large = "```python\nimport numpy\nans = len(numpy.ones(30_000_000))\n```"  # 240 MB
    assert solve(large, "process, memory_mb=64").state == "unparsed"
    assert solve(large, "process, memory_mb=400, seconds=60").value == 30_000_000


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A docker that runs the command here, and knows the image `known`."""
    path = tmp_path / "docker"
    engine = ENGINE.format(python=sys.executable, log=str(tmp_path / "log"))
    path.write_text(engine + "if sys.argv[1] == 'image' and sys.argv[3] != 'known':\n    sys.exit('No such image')\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "log"


def test_a_strategy_runs_its_programs_in_a_container(docker):
    fractions = "```python\nimport fractions\nans = fractions.Fraction(1, 2) + fractions.Fraction(3, 2)\n```"
    sandbox.check_sandbox(Sandbox("container", image="known"))
    assert solve(fractions, "container, image=known").value == 2
    assert docker.read_text().count("run --rm") == 2
    with pytest.raises(UsageError, match=r"cannot use the image 'other': No such image.* pull other"):
        sandbox.check_sandbox(Sandbox("container", image="other"))


def test_an_image_without_python_is_refused(docker, monkeypatch):
    monkeypatch.setattr(container, "_MAIN_CALL", "\nraise SystemExit(1)\n")
    with pytest.raises(UsageError, match=r"cannot run programs .*needs Python as python3"):
        sandbox.check_sandbox(Sandbox("container", image="known"))


def command(*arguments, path=None):
    done = command_line.reasoning(*arguments, env={**os.environ, **({} if path is None else {"PATH": str(path)})})
    return done.returncode, done.stdout, done.stderr


@LINUX
def test_the_command_line_chooses_the_sandbox(tmp_path):
    recording = tmp_path / "said.jsonl"
    recording.write_text(json.dumps({"question": "Sum?", "samples": [SUM]}))
    ask = ["ask", "Sum?", "--model", f"replay:{recording}", "--kind", "number", "-s", "program_of_thoughts"]
    code, out, _ = command(*ask, "--sandbox", "process,packages=numpy,memory_mb=256")
    assert (code, out) == (0, "6\n")
    code, _, err = command(*ask, "--sandbox", "interpreter")
    assert (code, "import of numpy" in err) == (1, True)
    code, _, err = command(*ask, "--sandbox", "container, image=python:3.13-slim", path=tmp_path)
    assert (code, "needs docker or podman" in err) == (2, True)


def test_a_run_records_its_sandbox(tmp_path):
    recording = tmp_path / "said.jsonl"
    row = {"question": "Sum?", "samples": ["```python\nans = sum(range(4))\n```"], "reference": "6"}
    recording.write_text(json.dumps(row))
    model = ["--model", f"replay:{recording}", "--strategies", "program_of_thoughts", "--json"]
    run = ["bench", "run", "--task", f"replay:{recording}", *model, "--out", str(tmp_path / "run"), "--no-journal"]
    assert command(*run, "--sandbox", "interpreter, seconds=2")[0] == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["settings"]["sandbox"] == "interpreter, seconds=2"
    code, _, err = command(*run)
    assert (code, "sandbox interpreter, seconds=2 → none" in err) == (2, True)
