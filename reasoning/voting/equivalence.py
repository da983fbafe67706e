"""Classes of equal answers: values with the same key, joined further by a function of the user."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from typing import Any

from reasoning.errors import UsageError
from reasoning.kinds import Kind

Group = Callable[..., Any]
"""A function of one value, which returns its key, or of two, which returns whether they mean the same."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class AnswerClasses:
    """The partition of values into candidates.

    Values with equal keys of the kind are always one candidate. A function of two values joins
    candidates further: all that are connected through pairs that mean the same (union-find). The
    classes therefore depend on the set of values and not on their order, unlike those of a greedy
    pass. The price is that a chain of near-equal values is one class.

    Attributes:
        can_merge: whether a later value can join two candidates.

    Args:
        kind: the kind of the values.
        group: a function of one value, which returns its key, or of two, which returns whether they
            mean the same. It must be pure and, with two values, symmetric.

    Raises:
        UsageError: the function takes neither one value nor two.

    Examples:
        >>> from reasoning.kinds import Number, Text
        >>> AnswerClasses(Number()).classify([1, 1.0, None, 2])
        [1, 1, None, 2]
        >>> close = AnswerClasses(Number(), lambda a, b: abs(a - b) <= 1)
        >>> len(set(close.classify([1, 2, 9])))
        2
    """

    def __init__(self, kind: Kind, group: Group | None = None) -> None:
        self._kind, self._group = kind, group
        self.can_merge = group is not None and takes_two_values(group)
        self._known: dict[tuple[str, str], bool] = {}

    def classify(self, values: Sequence[Any]) -> list[Hashable | None]:
        """Return the candidate's key for each value; None for None."""
        if self._group is not None and not self.can_merge:
            return [None if value is None else ("group", self._key(value)) for value in values]
        keys = [None if value is None else self._kind.key(value) for value in values]
        return self._merge(keys, values) if self.can_merge else keys

    def _key(self, value: Any) -> Hashable:
        assert self._group is not None
        key: Hashable = self._group(value)
        try:
            hash(key)
        except TypeError:
            raise UsageError(
                f"group must return a hashable key (a text, a number or a tuple of them), got {key!r} for {value!r}"
            ) from None
        return key

    def _merge(self, keys: list[Hashable | None], values: Sequence[Any]) -> list[Hashable | None]:
        forms: dict[Hashable, tuple[str, Any]] = {}
        for key, value in zip(keys, values, strict=True):
            # The alphabetically first form represents its key, in any order of the values.
            if key is not None:
                form = (self._kind.show(value), value)
                forms[key] = min(forms.get(key, form), form, key=lambda item: item[0])
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
    """Return whether a function takes two values rather than one.

    Raises:
        UsageError: the function takes neither one value nor two.
    """
    try:
        parameters = inspect.signature(group).parameters.values()
    except (TypeError, ValueError):
        raise UsageError(
            f"group must be a function with a signature, got {group!r}; write lambda value: … or lambda a, b: …"
        ) from None
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    required = sum(parameter.default is parameter.empty for parameter in positional)
    if required not in (1, 2):
        raise UsageError(f"group must take one value (and return its key) or two, got {group!r} with {required}")
    return required == 2
