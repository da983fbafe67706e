"""Streams of draw indices: the position of a call in its strategy determines its draw."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reasoning.errors import UsageError

MAX_BRANCHES = 1 << 13
"""The maximum number of branches of one spawn, and of draws of one request in one stream."""
MAX_NESTING = 3
"""The maximum depth of branches within branches."""
EPOCH_STRIDE: int = MAX_BRANCHES ** (MAX_NESTING + 1)
"""The distance between the draw indices of one epoch (a repetition of a solve) and the next."""
MAX_EPOCHS = (1 << 63) // EPOCH_STRIDE
"""The maximum number of epochs: a journal stores draw indices as signed integers of 64 bits."""


class DrawStream:
    """The draw indices of one branch of a solve; a stream spawns child streams for its branches.

    Indices follow from positions and never from the order in which replies arrive, so a result does
    not depend on latency.

    Draw `c` of a request has the index `base + c * stride`. The root stream counts 0, 1, 2,
    … from the offset of its epoch. Child streams start at the parent's next indices, one each, and
    continue with a stride that is `MAX_BRANCHES` times the parent's. So no two branches share a
    draw, and branch `k` of five is branch `k` of twenty: the draws of a smaller run are the first
    draws of a larger one.

    Args:
        parent: the stream that spawned this one; None for a root.
        position: the position among the children of one spawn.
        width: the number of children of that spawn.
        epoch: the repetition of the solve, for a root.
        before: the number of draws per request key that the parent had taken when it spawned.

    Raises:
        UsageError: the epoch is negative or above the last one.

    Examples:
        >>> stream = DrawStream()
        >>> stream.next("key", 2), stream.next("another key", 1), stream.next("key", 1)
        ([0, 1], [0], [2])
        >>> [child.next("key", 1) for child in stream.spawn(3)]
        [[3], [4], [5]]
        >>> stream.next("key", 1)
        [6]
        >>> DrawStream(epoch=1).next("key", 1) == [EPOCH_STRIDE]
        True
    """

    def __init__(
        self,
        parent: DrawStream | None = None,
        position: int = 0,
        width: int = 1,
        epoch: int = 0,
        before: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        if not 0 <= epoch < MAX_EPOCHS:
            raise UsageError(f"epoch must be from 0 to {MAX_EPOCHS - 1:,}, got {epoch:,}")
        self._parent, self._position, self._width, self._epoch = parent, position, width, epoch
        self._stride: int = parent._stride * MAX_BRANCHES if parent else 1
        self._before = before
        self._taken: dict[str, int] = {}
        # The draws that this stream had taken at its latest spawn.
        self._taken_at_spawn: Mapping[str, int] = {}
        # The stream of which this one is a fork.
        self._origin: DrawStream | None = None

    def next(self, key: str, n: int) -> list[int]:
        """Return the indices of the next `n` draws of the request with this key.

        Raises:
            UsageError: the stream would take more than `MAX_BRANCHES` draws of the request.
        """
        first = self._taken.get(key, 0)
        if first + n > MAX_BRANCHES:
            raise UsageError(f"a solve may take at most {MAX_BRANCHES} draws of one request, got {first + n}")
        self._taken[key] = first + n
        self._advance_parent(key)
        return self._indices(key, first, n)

    def first_of(self, key: str, n: int, start: int = 0) -> list[int]:
        """Return the index of the first draw of a request in each of `n` children.

        Args:
            key: the key of the request.
            n: the number of children.
            start: the position of the first of them; see `spawn`.
        """
        self._begin_spawn(n, start)
        return self._indices(key, self._taken_at_spawn.get(key, 0) + start, n)

    def spawn(self, n: int, start: int = 0) -> list[DrawStream]:
        """Return `n` child streams for concurrent branches.

        This stream must neither draw nor spawn again until the branches have ended.

        Args:
            n: the number of children.
            start: the position of the first of them. Above 0, the children before it have ended and
                these continue the latest spawn; this stream must not have drawn since. Child `k` is
                the same whether a spawn is made at once or in parts.

        Raises:
            UsageError: there are more than `MAX_BRANCHES` children, or branches are nested deeper
                than `MAX_NESTING`.
        """
        self._begin_spawn(n, start)
        return [self.child(position, start + n) for position in range(start, start + n)]

    def child(self, position: int, width: int) -> DrawStream:
        """Return the child at one position of the latest spawn, which has `width` children."""
        return DrawStream(self, position, width, before=self._taken_at_spawn)

    def _begin_spawn(self, n: int, start: int) -> None:
        if start + n > MAX_BRANCHES:
            raise UsageError(f"at most {MAX_BRANCHES} samples or branches may run concurrently, got {start + n}")
        if self._stride >= MAX_BRANCHES**MAX_NESTING:
            raise UsageError(f"strategies may branch within each other at most {MAX_NESTING} levels deep")
        if not start:
            self._taken_at_spawn = dict(self._taken)

    def fork(self) -> DrawStream:
        """Return a copy of this stream as it is, for one of several concurrent branches.

        The draws of a fork do not depend on the other forks. Forks are for branches that send
        different requests; forks that send the same request get the same draws. Afterwards this
        stream continues after the fork that took the most draws.
        """
        fork = DrawStream(self._parent, self._position, self._width, self._epoch, self._before)
        fork._taken, fork._origin = dict(self._taken), self
        return fork

    def _indices(self, key: str, first: int, n: int) -> list[int]:
        begin = self._base(key) + first * self._stride
        return list(range(begin, begin + n * self._stride, self._stride))

    def _base(self, key: str) -> int:
        if self._parent is None:
            return self._epoch * EPOCH_STRIDE
        return self._parent._base(key) + (self._before.get(key, 0) + self._position) * self._parent._stride

    def _advance_parent(self, key: str) -> None:
        """Let the parent continue after the indices at which its branches began."""
        if self._origin is not None:
            self._origin._taken[key] = max(self._origin._taken.get(key, 0), self._taken[key])
            self._origin._advance_parent(key)
        elif self._parent is not None:
            taken = self._before.get(key, 0) + self._width
            # A sibling may have advanced it already.
            if self._parent._taken.get(key) != taken:
                self._parent._taken[key] = taken
                self._parent._advance_parent(key)
