"""A chain's folder with its cases, as the commands and pytest open it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from reasoning.benchmarks.chains import cases as read
from reasoning.benchmarks.chains.cases import Case
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import Code, Leave
from reasoning.chain.folder import load
from reasoning.errors import UnknownName, UsageError


@dataclass(frozen=True)
class ChainSuite:
    """A chain and what it is tested with.

    Attributes:
        folder: the chain's.
        chain: what it holds.
        cases: what it is tested with.
    """

    folder: Path
    chain: Chain
    cases: tuple[Case, ...]


def load_suite(
    folder: Path, leave: Leave, *, step: str | None = None, only: str | None = None, limit: int | None = None
) -> ChainSuite:
    """Read a folder.

    Args:
        folder: the chain's.
        leave: which of the code that it names may be imported.
        step: only cases that say something of this step.
        only: only cases with such an id: "angry*".
        limit: the first so many of those.

    Raises:
        InputError, UsageError: as `Chain.load` and `cases`; no case is left.
    """
    chain = load(folder, leave)
    found = read.read_cases(folder, chain, Code(folder, leave))
    if step is not None:
        chain.step(step)
        found = [case for case in found if step == case.step or any(check.on == step for check in case.checks)]
        if not found:
            raise UsageError(f"no case of {folder / read.FOLDER} tests or checks the step {step!r}")
    if only is not None:
        names = [case.id for case in found]
        found = [case for case in found if fnmatchcase(case.id, only)]
        if not found:
            raise UnknownName("case", only, names)
    return ChainSuite(folder, chain, tuple(found[:limit]))
