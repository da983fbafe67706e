"""Optimizers: they propose candidates from evaluated ones. Budget, race, journal and outcome are the search's."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reasoning.errors import UnknownName
from reasoning.tuning.prompts.evaluation import Evaluation
from reasoning.tuning.prompts.parts import Candidate, Tunable
from reasoning.tuning.prompts.pools import Item


class Workbench(Protocol):
    """The functions that an optimizer may use. Every call is a draw in the journal, and counts against the budget.

    Attributes:
        tunable: the strategy and its parts.
        train: the examples that the optimizer may see.
        seed: the seed of the search, for random choices.
        max_demonstrations: the largest number of demonstrations of a prompt.
    """

    @property
    def tunable(self) -> Tunable: ...  # type: ignore[type-arg]

    @property
    def train(self) -> tuple[Item, ...]: ...

    @property
    def selection(self) -> tuple[Item, ...]: ...

    @property
    def seed(self) -> int: ...

    @property
    def max_demonstrations(self) -> int: ...

    def evaluate(self, candidate: Candidate, items: Sequence[Item]) -> list[Evaluation]:
        """Return the evaluations of a candidate on examples of the train pool, in their order."""

    def race(self, candidate: Candidate) -> list[Evaluation]:
        """Race a candidate against the best one so far on the selection pool.

        Returns:
            Its evaluations, in the order of the race; fewer than the pool has if the race was decided early. A second
            call for the best candidate returns all of them.
        """

    def estimate(self, candidate: Candidate) -> float:
        """Return the estimated score of a raced candidate on the whole selection pool.

        It is the mean score of the best candidate, plus the mean difference to it on the examples of the race.
        """

    def ask(self, text: str) -> str:
        """Return a reply of the model that proposes texts, at temperature 1; a new one each time."""

    def note(self, text: str) -> None:
        """Record a fact about the search in its log."""


class Optimizer(Protocol):
    """A method that proposes candidates. It ends when it has no further one; the budget ends it earlier."""

    def run(self, bench: Workbench) -> None:
        """Propose candidates by `bench.race`, from what was evaluated.

        Raises:
            BudgetExhausted: the budget ended the search; passed on from the workbench.
        """


@dataclass(frozen=True)
class MethodCard:
    """The card of a method.

    Attributes:
        title: its name in the literature.
        source: the paper.
        use_when: when it helps.
        avoid_when: when it does not.
        location: its class, as "module:attribute".
        extra: the module that it needs besides this library; empty for none.
    """

    title: str
    source: str
    use_when: str
    avoid_when: str
    location: str
    extra: str = ""

    def load(self) -> Optimizer:
        """Return the optimizer."""
        module, _, name = self.location.partition(":")
        optimizer: Optimizer = getattr(importlib.import_module(module), name)()
        return optimizer


METHODS: dict[str, MethodCard] = {
    "bootstrap": MethodCard(
        "Bootstrapped demonstrations with random search",
        "Khattab et al. 2023, arXiv 2310.03714",
        "the model is small or the budget is: it needs no model that writes good instructions, and solved examples "
        "show the form of the reply",
        "prompts are long already, or the strategy solves no example of the train pool",
        "reasoning.tuning.prompts.bootstrap:Bootstrap",
    ),
    "reflection": MethodCard(
        "GEPA: reflection on textual feedback, with a Pareto front",
        "Agrawal et al. 2025, arXiv 2507.19457",
        "the model that proposes (--proposer) can read its errors and write instructions",
        "the proposing model is small: its rewritten instructions are worse than what they replace",
        "reasoning.tuning.prompts.reflection:Reflection",
        "gepa",
    ),
    "bayesian": MethodCard(
        "MIPRO: instructions and demonstrations chosen together by Bayesian search",
        "Opsahl-Ong et al. 2024, arXiv 2406.11695",
        "the budget covers dozens of candidates, and both instructions and demonstrations may matter",
        "the budget covers a few candidates only: it then is a random search",
        "reasoning.tuning.prompts.bayesian:Bayesian",
        "optuna",
    ),
}
"""The methods by name, the default first."""


def method(name: str) -> MethodCard:
    """Return the card of a method.

    Raises:
        UnknownName: there is no such method; suggests the nearest one.
    """
    if not isinstance(name, str) or name not in METHODS:
        raise UnknownName("method", name, METHODS)
    return METHODS[name]
