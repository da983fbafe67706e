"""Which draws a solve takes: by their place in the strategy, never by what came back first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reasoning.errors import UsageError

MAX_BRANCHES = 1 << 13
"""Lanes side by side at one place, and draws of one request in one lane: at most this many."""
MAX_NESTING = 3
"""Lanes within lanes, at most."""
EPOCH_STRIDE: int = MAX_BRANCHES ** (MAX_NESTING + 1)
"""By how much the draws of one repetition of a solve are apart from those of the next."""


class DrawStream:
    """The draw indexes of one branch of a solve.

    The `c`-th draw of a request has index `base + c × stride`. The root lane counts 0, 1, 2, … from its epoch's
    offset. Lanes that run side by side start at the parent's next indexes, one each, and go on with a far larger
    stride. So no two branches share a draw, and lane `k` of five is lane `k` of twenty: the pool of a smaller run
    is the beginning of the pool of a larger one.
    """

    def __init__(
        self,
        parent: DrawStream | None = None,
        place: int = 0,
        width: int = 1,
        epoch: int = 0,
        before: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._parent, self._place, self._width, self._epoch = parent, place, width, epoch
        self._stride: int = parent._stride * MAX_BRANCHES if parent else 1
        self._before = before  # what the parent had taken when it was split
        self._taken: dict[str, int] = {}
        self._split_at: Mapping[str, int] = {}  # what it had taken when it was split last
        self._origin: DrawStream | None = None  # what it is a fork of

    def next(self, key: str, n: int) -> list[int]:
        """The indexes of the next `n` draws of the request with this key."""
        first = self._taken.get(key, 0)
        if first + n > MAX_BRANCHES:
            raise UsageError(f"more than {MAX_BRANCHES} draws of one request in one solve")
        self._taken[key] = first + n
        self._tell_parent(key)
        return self._indexes(key, first, n)

    def first_of(self, key: str, n: int, start: int = 0) -> list[int]:
        """The first draws of a request in each of the lanes of a split."""
        self._begin(n, start)
        return self._indexes(key, self._split_at.get(key, 0) + start, n)

    def spawn(self, n: int, start: int = 0) -> list[DrawStream]:
        """`n` lanes to run side by side. This lane must not draw, nor be split again, until they have ended.

        Args:
            n: how many.
            start: so many lanes of the last split have ended, and these are its next ones: lane `k` of a split is the
                same, whether it is made at once or in parts. The lane must not have drawn in between.
        """
        self._begin(n, start)
        return [self.child(place, start + n) for place in range(start, start + n)]

    def child(self, place: int, width: int) -> DrawStream:
        """One lane of a split into so many."""
        return DrawStream(self, place, width, before=self._split_at)

    def _begin(self, n: int, after: int) -> None:
        if after + n > MAX_BRANCHES:
            raise UsageError(f"{after + n} samples or branches side by side: at most {MAX_BRANCHES}")
        if self._stride >= MAX_BRANCHES**MAX_NESTING:
            raise UsageError(
                f"strategies that branch within each other, {MAX_NESTING + 1} levels deep: at most {MAX_NESTING}"
            )
        if not after:
            self._split_at = dict(self._taken)

    def fork(self) -> DrawStream:
        """This lane as it is now, to go on beside others: what it draws depends on nothing that they do.

        Forks of one lane are for branches that ask different things: those that ask the same get the same draws. The
        lane itself goes on behind the one of them that took most.
        """
        fork = DrawStream(self._parent, self._place, self._width, self._epoch, self._before)
        fork._taken, fork._origin = dict(self._taken), self
        return fork

    def _indexes(self, key: str, first: int, n: int) -> list[int]:
        begin = self._base(key) + first * self._stride
        return list(range(begin, begin + n * self._stride, self._stride))

    def _base(self, key: str) -> int:
        if self._parent is None:
            return self._epoch * EPOCH_STRIDE
        return self._parent._base(key) + (self._before.get(key, 0) + self._place) * self._parent._stride

    def _tell_parent(self, key: str) -> None:
        """After the branches end, the parent goes on behind the indexes where they began."""
        if self._origin is not None:
            self._origin._taken[key] = max(self._origin._taken.get(key, 0), self._taken[key])
            self._origin._tell_parent(key)
        elif self._parent is not None:
            behind = self._before.get(key, 0) + self._width
            if self._parent._taken.get(key) != behind:  # else one of those beside this one has told
                self._parent._taken[key] = behind
                self._parent._tell_parent(key)
