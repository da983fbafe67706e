"""The examples in docstrings print what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import reasoning
from tests.import_graph import read_package

ROOT = Path(reasoning.__file__).parent.parent
MODULES = sorted(name for name, text in read_package(ROOT).items() if ">>> " in text)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_print_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert result.failed == 0, capsys.readouterr().out
    assert result.attempted


def test_there_are_examples() -> None:
    assert len(MODULES) > 10
