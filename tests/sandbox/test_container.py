"""Programs in a container of the user's own image: the command line, and the conversation with what it starts."""

import os
import sys
from pathlib import Path

import pytest

from reasoning.errors import UsageError
from reasoning.sandbox import container
from reasoning.sandbox.container import ContainerRunner
from reasoning.sandbox.execution import ResourceLimits
from reasoning.sandbox.interpreter import Interpreter

ENGINE = """#!{python}
import os, sys
with open({log!r}, "a") as log:
    print(*sys.argv[1:4], file=log)
if sys.argv[1] == "run":
    program = sys.argv.index("python3")
    os.execv({python!r}, [{python!r}, *sys.argv[program + 1:]])
"""


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A docker that runs the command here."""
    path = tmp_path / "bin" / "docker"
    path.parent.mkdir()
    path.write_text(ENGINE.format(python=sys.executable, log=str(tmp_path / "log")))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    return tmp_path / "log"


def test_the_command_line_locks_the_container(engine):
    line = ContainerRunner("image:tag").command("name", ResourceLimits(memory_mb=100))
    options, _, program = (line[: (at := line.index("image:tag"))], line[at], line[at + 1 :])
    assert Path(options[0]).name == "docker"
    text = " ".join(options[1:])
    for option in (
        "run --rm --interactive --name name", "--network none", "--read-only", "--cap-drop ALL",
        "--security-opt no-new-privileges", "--user 65534:65534", "--memory 228m", "--memory-swap 228m", "--cpus 1",
        "--pids-limit 32",
    ):  # fmt: skip
        assert option in text
    assert program[0] == "python3"
    assert program[-1].endswith("main(0, 1)\n")
    compile(program[-1], "x", "exec")


def test_what_monty_lacks_runs_in_it(engine):
    with Interpreter("container, image=image", limits=ResourceLimits(seconds=5)) as interpreter:
        assert interpreter.run("1 + 1").tier == "interpreter"
        run = interpreter.run(
            "import fractions\nprint('a')\nf(fractions.Fraction(1, 2))", functions={"f": lambda n: n * 4}
        )
        assert (run.value, run.error, run.stdout, run.tier) == (2.0, None, "a\n", "container")
        run = interpreter.run("import fractions\n1 / 0")
        assert (run.error, run.tier) == ("ZeroDivisionError: division by zero (line 2)", "container")
    assert engine.read_text().count("run --rm --interactive") == 2
    assert "rm --force" not in engine.read_text()


def test_a_container_that_does_not_end_is_removed(engine):
    with Interpreter("container, image=image, seconds=0.3") as interpreter:
        run = interpreter.run("import fractions\nwhile True: pass")
    assert (run.error, run.tier) == ("timed out after 0.3 s", "container")
    assert "rm --force reasoning-" in engine.read_text()


def test_a_container_that_does_not_start_is_an_error(engine, monkeypatch):
    monkeypatch.setattr(container, "_MAIN_CALL", "\nraise SystemExit(1)\n")
    with Interpreter("container, image=image") as interpreter:
        assert interpreter.run("import fractions").error == "the program crashed its process"


def test_without_an_engine_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with Interpreter("container, image=image") as interpreter:
        with pytest.raises(UsageError, match="needs docker or podman"):
            interpreter.run("import fractions")
        with pytest.raises(UsageError, match="needs docker or podman"):
            interpreter.check()
    with pytest.raises(UsageError, match="name of a container image"):
        Interpreter("container, image=--privileged")
    assert os.listdir(tmp_path) == []
