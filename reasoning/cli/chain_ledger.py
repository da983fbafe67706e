"""The ledger of `reasoning chain run`: a run with a file of results has one budget over all its commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget
    from reasoning.engine.ledger import Ledger, Spending
    from reasoning.engine.llm import LLM
    from reasoning.messages import Usage


@contextmanager
def open_ledger(out: Path | None, llm: LLM) -> Iterator[Ledger | None]:
    """Open the ledger of a run that writes a file: `.NAME.spending.jsonl` next to it; None without a file."""
    from reasoning.engine.ledger import Ledger

    if out is None:
        yield None
        return
    with closing(Ledger(out.with_name(f".{out.name}.spending.jsonl"), llm.price)) as ledger:
        yield ledger


def resume_budget(
    ledger: Ledger | None, llm: LLM, new_samples: bool, on_workers: Usage | None = None
) -> tuple[int, Budget]:
    """Return the epoch and the budget of a command that begins or continues a run.

    Args:
        ledger: the ledger of the run; None for a run of one command, which has the model's budget.
        llm: the model.
        new_samples: whether the run has an epoch of its own: that of its earlier commands, else an unused one.
        on_workers: what workers have spent in this command.
    """
    epoch = (_earlier_epoch(ledger) or llm.journal.unused_epoch()) if new_samples else 0
    if ledger is None:
        return epoch, llm.budget
    before = ledger.before
    spent = before.total() if on_workers is None else before.total() + on_workers
    budget = llm.budget.resumed(spent, before.bounds, before.carried())
    budget.account = ledger.account(str(epoch))
    return epoch, budget


def describe_spent(spent: Usage, used: Usage, before: Spending | None, left: str) -> str:
    """Return what a command has spent, what earlier ones of the run have, and what is left of the budget.

    Args:
        spent: what this command has spent.
        used: the usage of all draws of the results, whether bought or recorded.
        before: what earlier commands have spent; None without a ledger.
        left: what is left of the budget.
    """
    from reasoning.display import describe_spending
    from reasoning.messages import Usage

    earlier, interrupted = (before.total(), before.interrupted) if before else (Usage(), Usage())
    return describe_spending(spent, used, earlier, interrupted, left)


def _earlier_epoch(ledger: Ledger | None) -> int:
    return max([int(epoch) for (epoch,) in ledger.before.by_scope], default=0) if ledger else 0
