"""The command that continues a stopped run, with a larger budget if its own is used up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from reasoning.cli.interrupts import command_line
from reasoning.errors import BudgetExhausted, ReasoningError

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget


class Part(Protocol):
    """A part of a divided run, such as a shard: each of `count` parts has its part of the budgets."""

    @property
    def count(self) -> int:
        """The number of parts."""

    def of_budget(self, budget: Budget) -> Budget:
        """Return the part of a budget."""


def how_to_continue(
    stopped: ReasoningError,
    *,
    is_of_run: bool = True,
    of_strategy: Budget | None = None,
    part: Part | None = None,
    whole: Budget | None = None,
) -> str:
    """Return the words that tell how to continue a command, such as "continue with: reasoning bench run …".

    A budget that the same command would exceed at once is at least doubled in the printed command.

    Args:
        stopped: the error that stopped the command.
        is_of_run: what earlier commands spent counts against the budget; else each command begins with all of it.
        of_strategy: the budget of `--strategy-budget`, if there is one.
        part: the part of a divided run that the command was; None for a run that is not divided.
        whole: the budget of the divided run.
    """
    # Not with the commands: it imports asyncio, which --help does not need.
    from reasoning.engine.budget import LIMITS, Budget

    budget = stopped.budget if isinstance(stopped, BudgetExhausted) else None
    if not isinstance(stopped, BudgetExhausted) or not isinstance(budget, Budget) or not stopped.limit:
        # The seconds of a budget start again.
        return f"continue with: {command_line()}"
    limit: float = getattr(budget, stopped.limit)
    if not is_of_run and stopped.next_call <= limit:
        return f"continue with: {command_line()}"
    larger = _larger(limit, stopped.needed if is_of_run else stopped.next_call)
    strategy_part = of_strategy if part is None or of_strategy is None else part.of_budget(of_strategy)
    is_of_strategy = of_strategy is not None and str(strategy_part) == str(budget)
    total = getattr(of_strategy if is_of_strategy else whole, stopped.limit, None)
    if part is not None and total is not None:
        # The options have the budgets of all parts together.
        larger = total + part.count * (larger - limit)
    option, value = f"--budget-{stopped.limit}", f"{larger:.15g}"
    if is_of_strategy:
        limits = {name: getattr(of_strategy, name) for name in LIMITS} | {stopped.limit: larger}
        given = [f"{name}={one:.15g}" for name, one in limits.items() if one is not None]
        option, value = "--strategy-budget", ", ".join(given)
    return f"with a larger budget, continue with: {command_line({option: value})}"


def _larger(limit: float, needed: float) -> float:
    """Return twice a limit, or what is needed, rounded up to two digits, if that is more."""
    if 2 * limit >= needed:
        return 2 * limit
    if isinstance(needed, int):
        # ceil(needed / unit) without the rounding of floats.
        unit: int = 10 ** max(0, len(str(needed)) - 2)
        return -(-needed // unit) * unit
    step: float = 10.0 ** (math.floor(math.log10(needed)) - 1)
    return math.ceil(needed / step) * step
