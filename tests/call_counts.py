"""Evaluate the expressions by which cards state numbers of calls and rounds, for given counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reasoning.strategy import Strategy


def calls(strategy: Strategy, **counts: int) -> int:
    """Return the number of completions that a strategy's card states.

    Args:
        strategy: a strategy; names in the expression are its parameters, and the name of a wrapped strategy is that
            strategy's number.
        counts: values of the other names in the expression, such as `m` sub-questions.
    """
    return _value(strategy, strategy.card.calls, counts, calls)


def rounds(strategy: Strategy, **counts: int) -> int:
    """Return the number of sequential calls that a strategy's card states."""
    return _value(strategy, strategy.card.rounds, counts, rounds)


def _value(strategy: Strategy, text: str, counts: dict[str, int], inner: Callable[..., int]) -> int:
    parameters = {name: value for name, value in strategy.parameters() if name in _names(text)}
    values = {
        name: inner(value, **counts) if isinstance(value, Strategy) else value for name, value in parameters.items()
    }
    return int(evaluated(text, {**values, **counts}))


def _names(text: str) -> tuple[str, ...]:
    return compile(text, "card", "eval").co_names


def evaluated(text: str, values: dict[str, Any]) -> Any:
    """Return the value of an expression of names and numbers."""
    return eval(text, {"__builtins__": {}}, values)  # noqa: S307  # the cards' own text
