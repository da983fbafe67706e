"""A chain's folder with its test cases."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from reasoning.benchmarks.chains.cases import FOLDER, Case, read_cases
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import CodeLoader, ImportPolicy
from reasoning.chain.folder import load
from reasoning.errors import UnknownName, UsageError


@dataclass(frozen=True)
class ChainSuite:
    """A chain and its test cases.

    Attributes:
        folder: the chain's folder.
        chain: the chain in it.
        cases: the cases to run.
    """

    folder: Path
    chain: Chain
    cases: tuple[Case, ...]


def load_suite(
    folder: Path, policy: ImportPolicy, *, step: str | None = None, pattern: str | None = None, limit: int | None = None
) -> ChainSuite:
    """Load a chain's folder and its cases.

    Args:
        folder: the chain's folder.
        policy: the import policy for the functions that the chain names.
        step: only cases that test or check this step.
        pattern: only cases whose id matches this shell pattern, such as "angry*".
        limit: the largest number of cases; the first ones are taken. None and 0 are all.

    Raises:
        InputError, UsageError: as in `Chain.load` and `read_cases`, or no case matches.
    """
    chain = load(folder, policy)
    cases = read_cases(folder, chain, CodeLoader(folder, policy))
    if step is not None:
        chain.step(step)
        cases = [case for case in cases if step == case.step or any(check.on == step for check in case.checks)]
        if not cases:
            raise UsageError(f"no case in {folder / FOLDER} tests or checks the step {step!r}")
    if pattern is not None:
        ids = [case.id for case in cases]
        cases = [case for case in cases if fnmatchcase(case.id, pattern)]
        if not cases:
            raise UnknownName("case", pattern, ids)
    return ChainSuite(folder, chain, tuple(cases[: limit or None]))
