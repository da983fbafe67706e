"""Leases of a budget that the shards of a run share, in a file that survives kills.

A shard may spend what it was lent. The sum of all leases never exceeds the budget, so neither does the spending,
whatever becomes of the processes. When a shard begins again and its ledger is there, what it was lent and has not spent
is taken back. If the ledger is lost with its machine, the rest of its last lease counts as spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.engine.budget import Budget
from reasoning.errors import InputError
from reasoning.messages import Usage

_PARTS = 16
"""A lease is this part of a shard's share of what is left. Large leases leave other shards without; small ones cost a
message each."""
_CALLS_PER_LEASE = 8
"""The least lease, in calls of the worst case that was asked for."""


class Amounts(NamedTuple):
    """An amount of each limit of a budget."""

    usd: float = 0.0
    tokens: int = 0
    calls: int = 0

    @classmethod
    def of(cls, usage: Usage) -> Amounts:
        """Return the amounts of a usage."""
        return cls(usage.usd or 0.0, usage.tokens, usage.calls)

    def plus(self, other: Amounts) -> Amounts:
        """Return the sum of both."""
        return Amounts(self.usd + other.usd, self.tokens + other.tokens, self.calls + other.calls)

    def beyond(self, other: Amounts) -> Amounts:
        """Return what of this one exceeds another."""
        return Amounts(
            max(0.0, self.usd - other.usd), max(0, self.tokens - other.tokens), max(0, self.calls - other.calls)
        )


_NOTHING = Amounts()


@dataclass
class _Account:
    """The amounts that a shard was lent in all its attempts, and its last attempt."""

    lent: Amounts = _NOTHING
    lost: Amounts = _NOTHING
    """The rests of leases whose spending was lost with a machine; they count as spent."""
    attempt: int = 0
    ended: int = 0
    """The last attempt that has ended in order."""


class LeaseBook:
    """The leases of a run.

    Args:
        path: the file; its folder must exist.
        budget: the budget of the run, without what was spent before the shards.

    Raises:
        InputError: the file is damaged or cannot be read; names the line.
    """

    def __init__(self, path: Path, budget: Budget) -> None:
        self._file, self._accounts = JsonlFile(path, sync=True), dict[str, _Account]()
        self._limits = {name: getattr(budget, name) for name in Amounts._fields}
        self._active: set[str] = set()
        for number, entry in enumerate(self._file.read(), 1):
            try:
                amounts = Amounts(float(entry["usd"]), int(entry["tokens"]), int(entry["calls"]))
                lost = Amounts(float(entry["lost"][0]), *map(int, entry["lost"][1:]))
                self._accounts[str(entry["shard"])] = _Account(
                    amounts, lost, int(entry["attempt"]), int(entry["ended"])
                )
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise InputError(f"{path}:{number}: damaged entry: {error!r}") from None

    def begin(self, shard: str) -> tuple[int, int]:
        """Begin an attempt of a shard, and return its number and that of the attempt before it."""
        account = self._accounts.setdefault(shard, _Account())
        before = account.attempt
        account.attempt += 1
        self._active.add(shard)
        self._write(shard)
        return account.attempt, before

    def is_current(self, shard: str, attempt: int) -> bool:
        """Return whether an attempt is the last one of its shard."""
        return shard in self._accounts and self._accounts[shard].attempt == attempt

    def settle(self, shard: str, spent: Amounts, *, is_known: bool = True) -> Amounts:
        """Take back what a shard was lent and has not spent, and return what it has then.

        Args:
            shard: the shard.
            spent: what it has spent.
            is_known: whether that is all; if not, the rest of what it was lent counts as spent.
        """
        account = self._accounts[shard]
        if account.lent != spent:
            if not is_known:
                account.lost = account.lost.plus(account.lent.beyond(spent))
            account.lent = spent
            self._write(shard)
        return account.lent

    def has_ended(self, shard: str, attempt: int) -> bool:
        """Return whether an attempt has ended in order, so that its spending is known; true for none."""
        return attempt in (0, self._accounts[shard].ended)

    def end(self, shard: str, *, in_order: bool) -> None:
        """Note that a shard borrows nothing more.

        Args:
            shard: the shard.
            in_order: whether all that its attempt has spent is known.
        """
        self._active.discard(shard)
        if in_order:
            self._accounts[shard].ended = self._accounts[shard].attempt
            self._write(shard)

    def lent(self, shard: str) -> Amounts:
        """Return what a shard was lent in all its attempts."""
        return self._accounts[shard].lent

    def lend(self, shard: str, needed: Amounts) -> tuple[Amounts, bool]:
        """Lend more to a shard.

        Args:
            shard: the shard.
            needed: what it needs besides what it has, at least.

        Returns:
            What it has then, and whether there was less than it needs.
        """
        account, parts = self._accounts[shard], _PARTS * max(1, len(self._active))
        granted, is_short = dict[str, Any](), False
        for name, limit in self._limits.items():
            if limit is None:
                granted[name] = 0
                continue
            least = getattr(needed, name)
            left = self.left(name)
            wanted = max(_CALLS_PER_LEASE * least, left / parts)
            granted[name] = min(left, wanted if name == "usd" else int(wanted))
            is_short = is_short or granted[name] < least
        if any(granted.values()):
            account.lent = account.lent.plus(Amounts(**granted))
            self._write(shard)
        return account.lent, is_short

    def left(self, name: str) -> Any:
        """Return what of a limit is not lent."""
        lent = sum(getattr(one, name) for account in self._accounts.values() for one in (account.lent, account.lost))
        return max(0, self._limits[name] - lent)

    @property
    def is_used_up(self) -> bool:
        """True if nothing is left of a limit."""
        return any(limit is not None and not self.left(name) for name, limit in self._limits.items())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, shard: str) -> None:
        account = self._accounts[shard]
        attempts = {"attempt": account.attempt, "ended": account.ended}
        self._file.append({"shard": shard, **attempts, **account.lent._asdict(), "lost": list(account.lost)})
