"""A plugin of pytest, found by itself where this library is installed: `pytest DIR` runs the cases in `tests/` of a
chain's folder, one test each.

    pytest my_chain --chain-model local          # or in pytest's settings: chain_model = "replay:replies.jsonl"

A `conftest.py` may give any other model: `def pytest_chain_llm(): return ScriptedLLM(…)`. Every run of pytest on the
machine imports this module, so nothing heavy is imported before a chain's case is met.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The model that answers the cases of chains."""
    said = "the model that answers the cases of chains: local, a litellm name, replay:FILE"
    parser.addoption("--chain-model", metavar="MODEL", help=said)
    parser.addini("chain_model", said, default="")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """The hook `pytest_chain_llm`."""
    from reasoning.benchmarks.chains import pytest_hooks

    pluginmanager.add_hookspecs(pytest_hooks)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file of cases in `tests/` of a chain's folder."""
    if not (file_path.parent.parent / "chain.toml").is_file():  # first: a project without chains imports nothing more
        return None
    from reasoning.benchmarks.chains.cases import FOLDER, is_case_file

    if file_path.parent.name != FOLDER or not is_case_file(file_path):
        return None
    from reasoning.benchmarks.chains.pytest_items import CaseFile

    return CaseFile.from_parent(parent, path=file_path)
