"""The calls of a strategy in words: the range with its parameters, and what a cheaper setting costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import suppress

from reasoning.errors import UsageError
from reasoning.strategy import Strategy

_FEW = 5
"""The value of a parameter in an example: most of the gain of a vote is there with five samples."""
_MANY = 20
"""The samples from which a default is told before anything is sent."""
_SHARES = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 8: "an eighth", 10: "a tenth"}


def describe_calls(strategy: Strategy) -> str:
    """Return the least and the greatest number of calls for one problem, with an example of a cheaper setting.

    Examples:
        >>> from reasoning.registry import get
        >>> describe_calls(get("vanilla")), describe_calls(get("self_consistency(samples=20)"))
        ('1', '20 to 40; 5 to 10 with samples=5')
    """
    text, example = _calls(strategy), _cheapest(strategy)
    return f"{text}; {_calls(example[1])} with {example[0]}={_FEW}" if example else text


def describe_defaults(strategy: Strategy) -> str | None:
    """Return what the default number of samples costs, or None if it is small or was changed.

    Inner strategies count too: `rendered(self_consistency)` draws as many samples.

    Examples:
        >>> from reasoning.registry import get
        >>> describe_defaults(get("self_consistency"))
        'self_consistency: 40 samples a problem; samples=5 costs an eighth'
        >>> describe_defaults(get("self_consistency(samples=20)")) is None
        True
    """
    for one in _with_inner(strategy):
        samples = {field.name: field.default for field in dataclasses.fields(one)}.get("samples")  # type: ignore[arg-type]
        if not isinstance(samples, int) or samples < _MANY or samples != getattr(one, "samples", None):
            continue
        note = f"{one.card.name}: {samples} samples a problem"
        with suppress(UsageError):
            share = _share(one.calls_range()[1] / one.replace(samples=_FEW).calls_range()[1])
            note += f"; samples={_FEW} costs {share}"
        return note
    return None


def _calls(strategy: Strategy) -> str:
    least, most = strategy.calls_range()
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _share(times: float) -> str:
    """Return the share 1/times in words, such as "an eighth"."""
    return _SHARES.get(round(times), f"1/{times:.0f}")


def _cheapest(strategy: Strategy) -> tuple[str, Strategy] | None:
    """Return the parameter that lowers the number of calls most if it is small, and the strategy with it."""
    found: dict[str, Strategy] = {}
    for name, value in strategy.parameters():
        if isinstance(value, int) and value > _FEW:
            with suppress(UsageError):
                found[name] = strategy.replace(**{name: _FEW})
    best = min(found, key=lambda name: found[name].calls_range()[1], default=None)
    if best is None or found[best].calls_range()[1] >= strategy.calls_range()[1]:
        return None
    return best, found[best]


def _with_inner(strategy: Strategy) -> Iterator[Strategy]:
    yield strategy
    for _, value in strategy.parameters():
        if isinstance(value, Strategy):
            yield from _with_inner(value)
