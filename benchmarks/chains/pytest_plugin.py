"""A pytest plugin that runs the cases in the `tests/` folder of a chain, one test for each case.

pytest finds it wherever this library is installed:

    pytest my_chain --chain-model local          # or in pytest's settings: chain_model = "replay:replies.jsonl"

A `conftest.py` may provide any other model: `def pytest_chain_llm(): return ScriptedLLM(…)`. Every
run of pytest on the machine imports this module, so nothing heavy is imported before a case of a
chain is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reasoning.benchmarks.chains.cases import Case
    from reasoning.chain.chain import Chain
    from reasoning.engine.llm import LLM

_MODEL = pytest.StashKey["LLM | None"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting that name the model."""
    text = "the model that answers the cases of chains: local, a litellm name, replay:FILE"
    parser.addoption("--chain-model", metavar="MODEL", help=text)
    parser.addini("chain_model", text, default="")


class ChainHooks:
    """The hooks that a `conftest.py` may implement."""

    @staticmethod
    @pytest.hookspec(firstresult=True)
    def pytest_chain_llm() -> LLM | None:
        """Return the model that answers the cases of chains; None leaves it to `--chain-model`."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hook `pytest_chain_llm`."""
    pluginmanager.add_hookspecs(ChainHooks)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the file if it is a file of cases in the `tests/` folder of a chain."""
    # This check comes first, so that a project without chains imports nothing else.
    if not (file_path.parent.parent / "chain.toml").is_file():
        return None
    from reasoning.benchmarks.chains.cases import FOLDER, is_case_file

    if file_path.parent.name != FOLDER or not is_case_file(file_path):
        return None
    return CaseFile.from_parent(parent, path=file_path)


class CaseFile(pytest.File):
    """A file of cases. The code that the chain names is imported: running pytest in a folder runs its code."""

    def collect(self) -> Iterator[CaseItem]:
        from reasoning.benchmarks.chains.cases import read_case_file
        from reasoning.chain.code_loader import CodeLoader
        from reasoning.chain.folder import load
        from reasoning.errors import UsageError

        folder = self.path.parents[1]
        try:
            chain = load(folder, "all")
            cases = read_case_file(self.path, chain, CodeLoader(folder, "all"))
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        for case in cases:
            yield CaseItem.from_parent(self, name=case.id, chain=chain, case=case)


class CaseItem(pytest.Item):
    """A case as a test. It passes if all its checks pass."""

    def __init__(self, *, chain: Chain, case: Case, **more: Any) -> None:
        super().__init__(**more)
        self.chain, self.case = chain, case

    def runtest(self) -> None:
        from reasoning.benchmarks.chains.runner import plan_tests, run_suite

        if not self.case.checks:
            pytest.skip("the case has no check")
        llm = _model(self.config)
        if llm is None:
            pytest.skip("no model: give --chain-model local, chain_model = …, or pytest_chain_llm")
        result = run_suite(list(plan_tests(self.chain, [self.case])), llm)
        if result.stopped is not None:
            raise result.stopped
        reasons = dict.fromkeys(reason for score in result.scores if not score.passed for reason in score.reasons)
        if reasons:
            raise CheckFailed("\n".join(reasons))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the reasons and the location of the case; a traceback would show only code of this library."""
        from reasoning.errors import ReasoningError

        if isinstance(excinfo.value, ReasoningError | CheckFailed):
            return f"{self.case.where}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        line = self.case.where.rpartition(":")[2]
        return self.path, int(line) - 1, self.case.id


class CheckFailed(Exception):
    """A check of a case failed."""


def _model(config: pytest.Config) -> LLM | None:
    """Return the model of this run of pytest. It is connected once and closed at the end."""
    if _MODEL not in config.stash:
        from reasoning.engine.connect import connect

        llm = config.hook.pytest_chain_llm()
        name = config.getoption("--chain-model") or config.getini("chain_model")
        if llm is None and name:
            llm = connect(name)
            config.add_cleanup(lambda: llm.__exit__(None, None, None))
        config.stash[_MODEL] = llm
    return config.stash[_MODEL]
