"""What a chain costs: the number of its calls, from its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reasoning.card import Card
from reasoning.formula import Formula

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain
    from reasoning.chain.step import Step

ITEMS = 20
"""Items of a list that a forecast reckons with, at most."""


def card(chain: Chain) -> Card:
    """The card of a chain: so many calls, and those for items, branches, repairs and gates."""
    always = [step for step in chain.steps if not step.each and not step.when]
    least = sum(calls_range(step)[0] for step in always)
    per_item = sum(calls_range(step)[0] for step in chain.steps if step.each and not step.when)
    most = sum(calls_range(step)[1] * (ITEMS if step.each else 1) for step in chain.steps)
    more = most - least - per_item * ITEMS
    formula, counts = f"{least} + r", f"r: replies sent back for repair, 0 to {more}"
    ranges: dict[str, tuple[int, int | str]] = {"r": (0, more)}
    if len(always) < len(chain.steps) or any(step.tries > 1 or step.by or step.chain for step in chain.steps):
        counts = f"r: calls of branches, repairs and gates, 0 to {more}"
    if per_item:
        formula, ranges["m"] = f"{least} + {per_item} * m + r", (0, ITEMS)
        counts = f"m: items of lists; {counts}"
    summary = chain.about or " → ".join(step.name for step in chain.steps)
    return Card(chain.name, "Prompt chain", summary, Formula(formula), counts, ranges)


def calls_range(step: Step) -> tuple[int, int]:
    """The least and the greatest number of calls of a step, for one item that is not empty."""
    if step.chain is not None:
        least, most = step.chain.calls_range()
        return least, most * step.tries
    if step.prompt is None:
        return 0, 0
    if not step.by:
        return 1, (step.repairs + 1) * step.tries
    from reasoning.chain.step_runner import strategy_of

    least, most = strategy_of(step.by).calls_range()
    return least, most * (step.repairs + 1) * step.tries
