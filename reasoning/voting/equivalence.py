"""Which values are one candidate: what the kind says, and what a function of one's own adds to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from typing import Any

from reasoning.errors import UsageError
from reasoning.kinds import Kind

Group = Callable[..., Any]
"""Of one value: a key, equal for values that mean the same. Of two values: whether they mean the same."""


class AnswerClasses:
    """Tells candidates apart.

    Values of one kind's key are one candidate always. A function of two values joins candidates further: all that are
    connected through pairs that mean the same (union-find). So the groups depend on which values were drawn and not on
    their order, which a greedy pass would not give; the price is that a chain of near-equal values is one group.

    Attributes:
        joins: whether a later value can make one candidate of two.

    Args:
        kind: of the answers.
        group: a function of one value (its key) or of two (whether they mean the same; pure and symmetric).

    Raises:
        UsageError: the function takes neither one value nor two.
    """

    def __init__(self, kind: Kind, group: Group | None = None) -> None:
        self._kind, self._group = kind, group
        self.can_merge = group is not None and takes_two_values(group)
        self._known: dict[tuple[str, str], bool] = {}

    def classify(self, values: Sequence[Any]) -> list[Hashable | None]:
        """For each value what is equal for values of one candidate; None for None, which is no candidate."""
        if self._group is not None and not self.can_merge:
            return [None if value is None else ("group", self._key(value)) for value in values]
        keys = [None if value is None else self._kind.key(value) for value in values]
        return self._joined(keys, values) if self.can_merge else keys

    def _key(self, value: Any) -> Hashable:
        assert self._group is not None
        key: Hashable = self._group(value)
        try:
            hash(key)
        except TypeError:
            raise UsageError(
                f"group gave {key!r} for {value!r}, which is no key: give a text, a number or a tuple of them"
            ) from None
        return key

    def _joined(self, keys: list[Hashable | None], values: Sequence[Any]) -> list[Hashable | None]:
        forms: dict[Hashable, tuple[str, Any]] = {}
        for key, value in zip(keys, values, strict=True):
            if key is not None:  # the alphabetically first form speaks for its key, whatever the order
                shown = (self._kind.show(value), value)
                forms[key] = min(forms.get(key, shown), shown, key=lambda form: form[0])
        parent = {key: key for key in forms}

        def root(key: Hashable) -> Hashable:
            while parent[key] != key:
                parent[key] = key = parent[parent[key]]
            return key

        ordered = sorted(forms, key=lambda key: forms[key][0])
        for a, b in combinations(ordered, 2):
            if (first := root(a)) != (second := root(b)) and self._same(forms[a], forms[b]):
                parent[second] = first
        return [None if key is None else root(key) for key in keys]

    def _same(self, a: tuple[str, Any], b: tuple[str, Any]) -> bool:
        assert self._group is not None
        pair = (a[0], b[0])
        if pair not in self._known:
            self._known[pair] = bool(self._group(a[1], b[1]))
        return self._known[pair]


def takes_two_values(group: Group) -> bool:
    """Whether a function takes two values rather than one.

    Raises:
        UsageError: it takes neither.
    """
    try:
        parameters = inspect.signature(group).parameters.values()
    except (TypeError, ValueError):
        raise UsageError(
            f"group={group!r}: cannot tell what it takes; write lambda value: … or lambda a, b: …"
        ) from None
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    needed = sum(one.default is one.empty for one in places)
    if needed not in (1, 2):
        raise UsageError(f"group={group!r} takes {needed} values: write a function of one value (its key) or of two")
    return needed == 2
