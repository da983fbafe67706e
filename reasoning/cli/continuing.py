"""The command that continues a stopped run, with a larger budget if its own is used up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reasoning.cli.interrupts import command_line
from reasoning.errors import BudgetExhausted, ReasoningError

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget


def how_to_continue(stopped: ReasoningError, *, is_of_run: bool = True, of_strategy: Budget | None = None) -> str:
    """Return the words that tell how to continue a command, such as "continue with: reasoning bench run …".

    A budget that the same command would exceed at once is at least doubled in the printed command.

    Args:
        stopped: the error that stopped the command.
        is_of_run: what earlier commands spent counts against the budget; else each command begins with all of it.
        of_strategy: the budget of `--strategy-budget`, if there is one.
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
    option, value = f"--budget-{stopped.limit}", f"{larger:.15g}"
    if of_strategy is not None and str(of_strategy) == str(budget):
        limits = {name: getattr(budget, name) for name in LIMITS} | {stopped.limit: larger}
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
