"""The number of model calls of a chain, from its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reasoning.card import Card
from reasoning.chain.step import Step
from reasoning.registry import get

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain

MAX_ITEMS = 20
"""The most items of a list that an estimate assumes."""


def card(chain: Chain) -> Card:
    """Return the card of a chain, with the calls of its steps, list items, branches, repairs and attempts."""
    least, per_item, most = _counts(chain)
    more = most - least - per_item * MAX_ITEMS
    calls, counts = f"{least} + r", f"r: replies sent back for repair, 0 to {more}"
    if any(step.loop or step.only_if or step.max_attempts > 1 or step.strategy or step.chain for step in chain.steps):
        counts = f"r: calls of branches, repairs and attempts, 0 to {more}"
    if per_item:
        calls, counts = f"{least} + {per_item} * m + r", f"m: items of lists; {counts}"
    summary = chain.about or " → ".join(step.name for step in chain.steps)
    return Card(chain.name, "Prompt chain", summary, calls, counts)


def chain_calls_range(chain: Chain) -> tuple[int, int]:
    """Return the minimum and the maximum number of calls of a chain."""
    least, _, most = _counts(chain)
    return least, most


def step_calls_range(step: Step) -> tuple[int, int]:
    """Return the minimum and the maximum number of calls of a step; with `for_each`, for one item."""
    if step.chain is not None:
        least, most = step.chain.calls_range()
        return least, most * step.max_attempts
    if step.prompt is None:
        return 0, 0
    if not step.strategy:
        return 1, (step.max_repairs + 1) * step.max_attempts
    least, most = get(step.strategy).calls_range()
    return least, most * (step.max_repairs + 1) * step.max_attempts


def _counts(chain: Chain) -> tuple[int, int, int]:
    """Return the minimum of calls, the calls for each item of a list, and the maximum with `MAX_ITEMS` items."""
    least = sum(step_calls_range(step)[0] for step in chain.steps if not step.loop and not step.only_if)
    per_item = sum(step_calls_range(step)[0] for step in chain.steps if step.loop and not step.only_if)
    most = sum(step_calls_range(step)[1] * (MAX_ITEMS if step.loop else 1) for step in chain.steps)
    return least, per_item, most
