"""The budget of a run that workers spend, by the copies of their ledgers on this machine."""

from __future__ import annotations

from pathlib import Path

from reasoning.benchmarks.results.folder import SHARDS, SPENDING
from reasoning.benchmarks.shards.division import Shard
from reasoning.benchmarks.shards.leases import Amounts
from reasoning.benchmarks.shards.shard_run import fit_folder, fit_spending
from reasoning.engine.budget import Budget
from reasoning.engine.ledger import Spending
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted
from reasoning.messages import Usage


class RunBudget:
    """The budget of a run.

    Args:
        out: the folder of the run.
        model: the model, with its budget.
        spent: what others have spent of that budget.
    """

    def __init__(self, out: Path, model: LLM, spent: Usage) -> None:
        self._out, self._model, self._whole = out, model, _without(model.budget, spent)

    def read_spending(self) -> Spending:
        """Return the spending of all parts of the run."""
        all_parts = Spending()
        folders = [fit_folder(self._out), *(path.parent for path in (self._out / SHARDS).glob(f"*-of-*/{SPENDING}"))]
        for folder in folders:
            part = Spending.read(folder / SPENDING, self._model.price)
            for scope, usage in part.by_scope.items():
                all_parts.by_scope[scope] = all_parts.by_scope.get(scope, Usage()) + usage
            all_parts.interrupted = all_parts.interrupted + part.interrupted
        return all_parts

    def of_shards(self) -> Budget:
        """Return what the fits have left for the shards."""
        return _without(self._whole, fit_spending(fit_folder(self._out), self._model).total())

    def describe_left(self, spent: Usage) -> str:
        """Return what is left after a spending, in words."""
        budget = _without(self._whole, Usage())
        budget.spent = spent
        return budget.left

    def to_error(self) -> BudgetExhausted:
        """Return the error of the used-up budget, with the numbers of the run, which a worker does not know."""
        spent = self.read_spending().total()
        for name in Amounts._fields:
            if (limit := getattr(self._whole, name)) is not None:
                used = getattr(spent, name) or 0
                if used < limit:
                    continue
                unit = "US dollars" if name == "usd" else name
                return BudgetExhausted(
                    f"the budget is used up: {used:,.6g} of {limit:,.6g} {unit} are spent",
                    self._model.budget,
                    limit=name,
                )
        return BudgetExhausted(f"the budget does not cover the next call: {self.describe_left(spent)} is left")


def _without(budget: Budget, spent: Usage) -> Budget:
    """Return a budget without what was spent of it."""
    return Shard(1, 0).of_budget(budget, spent)
