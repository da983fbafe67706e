"""What a chain costs: the number of its calls, from its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reasoning.card import Card

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain
    from reasoning.chain.step import Step

ITEMS = 20
"""Items of a list that a forecast reckons with, at most."""


def card(chain: Chain) -> Card:
    """Return the card of a chain, with the calls of its steps, and those for items, branches, repairs and gates."""
    least, per_item, most = _counts(chain)
    more = most - least - per_item * ITEMS
    calls, counts = f"{least} + r", f"r: replies sent back for repair, 0 to {more}"
    conditional = any(step.each or step.when or step.tries > 1 or step.by or step.chain for step in chain.steps)
    if conditional:
        counts = f"r: calls of branches, repairs and gates, 0 to {more}"
    if per_item:
        calls, counts = f"{least} + {per_item} * m + r", f"m: items of lists; {counts}"
    summary = chain.about or " → ".join(step.name for step in chain.steps)
    return Card(chain.name, "Prompt chain", summary, calls, counts)


def chain_calls_range(chain: Chain) -> tuple[int, int]:
    """Return the least and the greatest number of calls of a chain."""
    least, _, most = _counts(chain)
    return least, most


def _counts(chain: Chain) -> tuple[int, int, int]:
    """Return the least number of calls, those for each item of a list, and the most with `ITEMS` items."""
    least = sum(calls_range(step)[0] for step in chain.steps if not step.each and not step.when)
    per_item = sum(calls_range(step)[0] for step in chain.steps if step.each and not step.when)
    most = sum(calls_range(step)[1] * (ITEMS if step.each else 1) for step in chain.steps)
    return least, per_item, most


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
