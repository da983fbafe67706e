"""Every bad input is told: what is wrong, where, and what is right. Nothing is written, no traceback is shown.

Commands run in this process, without the interpreter's start, so that the whole table takes seconds.
"""

from __future__ import annotations

import io
import shlex
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reasoning.cli import app as command_line
from tests.bad_inputs.case import FILES, Bad
from tests.bad_inputs.commands import COMMANDS

_app = cache(command_line.app)
_UNEXPECTED = ("Traceback", "--debug", "Error:\n", "KeyError", "AttributeError", "[Errno")


def run(bad: Bad, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Run a command as `main` does, and return its exit code and all that it prints, with single spaces."""
    printed = io.StringIO()
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, printed)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr(sys, "argv", ["reasoning", *shlex.split(bad.command)])
    monkeypatch.setattr(command_line, "app", _app)
    with warnings.catch_warnings():
        # pytest would raise them.
        warnings.simplefilter("default")
        with pytest.raises(SystemExit) as ended:
            command_line._run()
    monkeypatch.undo()
    return int(ended.value.code or 0), " ".join(printed.getvalue().split())


def files_below(folder: Path) -> dict[str, Any]:
    """Return the content of every file, and None for a folder, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("bad", COMMANDS, ids=lambda bad: bad.command)
def test_a_bad_input_is_told(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in {**FILES, **bad.files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    # Outside of the working folder: an empty journal of the user may be made there.
    monkeypatch.setenv("REASONING_HOME", str(tmp_path.with_name(f"{tmp_path.name}-home")))
    for name in ("OPENAI_API_KEY", "REASONING_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    before = files_below(tmp_path)
    code, printed = run(bad, monkeypatch)
    assert [name for name in bad.names if " ".join(name.split()) not in printed] == [], printed
    assert [word for word in _UNEXPECTED if word in printed] == [], printed
    assert code == bad.code, printed
    after = files_below(tmp_path)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} <= set(bad.leaves)


def test_the_table_is_long_and_has_no_row_twice() -> None:
    assert len(COMMANDS) > 190
    assert len({(bad.command, str(bad.files)) for bad in COMMANDS}) == len(COMMANDS)
