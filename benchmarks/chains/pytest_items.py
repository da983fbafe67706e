"""Cases as tests of pytest. Imported by pytest's own hooks only (`reasoning.testing`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from reasoning.benchmarks.chains.cases import Case, read_case_file
from reasoning.benchmarks.chains.runner import plan_tests, run_suite
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import Code
from reasoning.chain.folder import load
from reasoning.errors import ReasoningError, UsageError

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

_MODEL = pytest.StashKey["LLM | None"]()


class CaseFile(pytest.File):
    """A file of cases. Code that the chain names is imported: whoever runs pytest in a folder runs its code."""

    def collect(self) -> Iterator[CaseItem]:
        folder = self.path.parents[1]
        try:
            chain = load(folder, "run")
            found = read_case_file(self.path, chain, Code(folder, "run"))
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        for case in found:
            yield CaseItem.from_parent(self, name=case.id, chain=chain, case=case)


class CaseItem(pytest.Item):
    """One case: passed where all its checks are."""

    def __init__(self, *, chain: Chain, case: Case, **more: Any) -> None:
        super().__init__(**more)
        self.chain, self.case = chain, case

    def runtest(self) -> None:
        if not self.case.checks:
            pytest.skip("no check: not judged")
        llm = _model(self.config)
        if llm is None:
            pytest.skip("no model to answer it: --chain-model local, chain_model = …, or pytest_chain_llm")
        done = run_suite(list(plan_tests(self.chain, [self.case])), llm)
        if done.stopped is not None:
            raise done.stopped
        wrong = dict.fromkeys(why for one in done.scores if not one.passed for why in one.reasons)
        if wrong:
            raise Refused("\n".join(wrong))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was wrong, and where the case stands; no traceback, since no code of the user is at fault."""
        if isinstance(excinfo.value, ReasoningError | Refused):
            return f"{self.case.where}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        line = self.case.where.rpartition(":")[2]
        return self.path, int(line) - 1, self.case.id


class Refused(Exception):
    """A case that did not pass."""


def _model(config: pytest.Config) -> LLM | None:
    """The model of this run of pytest, connected once and closed at its end."""
    if _MODEL not in config.stash:
        import reasoning

        llm = config.hook.pytest_chain_llm()
        name = config.getoption("--chain-model") or config.getini("chain_model")
        if llm is None and name:
            llm = reasoning.connect(name)
            config.add_cleanup(lambda: llm.__exit__(None, None, None))
        config.stash[_MODEL] = llm
    return config.stash[_MODEL]
