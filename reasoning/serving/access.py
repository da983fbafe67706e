"""Keys of clients, and what a key and a day may spend; the spending is kept in files and survives a restart."""

from __future__ import annotations

import hashlib
import hmac
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from reasoning.engine.budget import Budget
from reasoning.engine.ledger import Ledger, Spending
from reasoning.engine.llm import LLM
from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.serving.protocol.bodies import find_problem
from reasoning.serving.protocol.errors import RequestFailed
from reasoning.usage import Usage


@dataclass(frozen=True)
class Key:
    """A key of a client.

    Attributes:
        name: its name in logs and metrics.
        digest: the SHA-256 of the key.
        budget: what it may spend in all; None for no limit.
        day_budget: what it may spend in a day, in UTC; None for no limit.
        requests_per_minute: the rate of its requests; None for no limit.
    """

    name: str
    digest: bytes
    budget: Budget | None = None
    day_budget: Budget | None = None
    requests_per_minute: float | None = None


class _Table(Struct):
    """The table of a key in its file."""

    key: Annotated[str, Meta(min_length=16)] | None = None
    sha256: Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$")] | None = None
    budget: str | None = None
    day_budget: str | None = None
    requests_per_minute: Annotated[float, Meta(gt=0)] | None = None


def read_keys(path: Path) -> list[Key]:
    """Return the keys of a TOML file with a table `[keys.NAME]` for each.

    Raises:
        InputError: the file cannot be read or is wrong. The message holds no key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        # The message of the parser may quote a key.
        raise InputError(f"{path}: must be TOML in UTF-8, with a table [keys.NAME] for each key") from None
    if others := data.keys() - {"keys"}:
        raise InputError(f"{path}: {UnknownName('table', min(others), ['keys'])}; limits stand in the table of a key")
    tables = data.get("keys")
    if not isinstance(tables, dict) or not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise InputError(f'{path}: must have a table for each key, such as [keys.alice] with key = "…"')
    keys = [_read_key(name, table, f"{path}: [keys.{name}]") for name, table in tables.items()]
    if len({key.digest for key in keys}) < len(keys):
        raise InputError(f"{path}: every key must be different")
    return keys


def _read_key(name: str, table: Mapping[str, Any], where: str) -> Key:
    if unknown := next((field for field in table if field not in _Table.__struct_fields__), None):
        raise InputError(f"{where}: {UnknownName('field', unknown, _Table.__struct_fields__)}")
    try:
        read = msgspec.convert(table, _Table)
        budget, day_budget = (None if text is None else Budget.parse(text) for text in (read.budget, read.day_budget))
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: {': '.join(find_problem(error))}") from None
    except UsageError as error:
        raise InputError(f"{where}: {error}") from None
    if (read.key is None) == (read.sha256 is None):
        raise InputError(f"{where}: must have either key or sha256, the SHA-256 of the key in hexadecimal")
    digest = hashlib.sha256(read.key.encode()).digest() if read.key else bytes.fromhex(read.sha256 or "")
    return Key(name, digest, budget, day_budget, read.requests_per_minute)


class Access:
    """The keys of a server, and what is left of the budgets of keys and days.

    Args:
        llm: the model, whose budget is around all others.
        keys: the keys; empty if everybody who reaches the server may use it.
        day_budget: what all clients together may spend in a day, in UTC; None for no limit.
        folder: the folder that keeps the spending; needed where a key or a day has a budget.

    Raises:
        InputError: another server uses the folder, or a file in it is damaged.
        UsageError: a budget limits seconds, or dollars without a known price.
    """

    def __init__(self, llm: LLM, keys: list[Key], day_budget: Budget | None = None, folder: Path | None = None) -> None:
        self.keys, self._llm, self._day_budget, self._folder = keys, llm, day_budget, folder
        self._limited = day_budget is not None or any(key.budget or key.day_budget for key in keys)
        self._day, self._ledgers = "", list[Ledger]()
        self._budgets: dict[str, Budget] = {}
        self._ready: dict[str, float] = {}
        for budget in (day_budget, *(one for key in keys for one in (key.budget, key.day_budget))):
            if budget is not None and budget.seconds is not None:
                raise UsageError(f"the budget of a key or a day must be in calls, tokens or usd, got {budget}")
            llm.check_price(budget)
        if self._limited:
            self.budget_of(None)

    def key_of(self, header: str | None) -> Key | None:
        """Return the key of a header `Authorization`; None if the server has no keys.

        Every key is compared, in a time that depends on neither.

        Raises:
            RequestFailed: there is no such key.
        """
        if not self.keys:
            return None
        scheme, _, given = (header or "").partition(" ")
        digest, found = hashlib.sha256(given.strip().encode("utf-8", "replace")).digest(), None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        if found is None or scheme.lower() != "bearer":
            wanted = "a valid key is missing: send the header Authorization: Bearer KEY"
            raise RequestFailed(401, wanted, "invalid_api_key")
        return found

    def admit(self, key: Key | None) -> None:
        """Count a request against the rate of its key.

        Raises:
            RequestFailed: it comes too soon.
        """
        if key is None or key.requests_per_minute is None:
            return
        now, gap = time.monotonic(), 60 / key.requests_per_minute
        # A minute's requests may come at once, and at least one.
        ready = max(self._ready.get(key.name, 0.0), now - max(60 - gap, 0))
        if ready > now:
            limit = f"the key {key.name} may make {key.requests_per_minute:g} requests a minute"
            raise RequestFailed(429, limit, "rate_limit", retry_after=int(ready - now) + 1)
        self._ready[key.name] = ready + gap

    def budget_of(self, key: Key | None) -> Budget:
        """Return the budget that a request is within: of its key, within that of the day and of the model.

        Raises:
            InputError: the spending of the day cannot be read.
        """
        if not self._limited:
            return self._llm.budget
        if (day := time.strftime("%Y-%m-%d", time.gmtime())) != self._day:
            self._begin(day)
        return self._budgets["" if key is None else key.name]

    def _begin(self, day: str) -> None:
        """Open the file of a day. That of the day before stays open for the calls that it has begun."""
        if self._folder is None:
            raise UsageError("a budget of a key or a day needs a folder that keeps what is spent")
        path, price = self._folder / f"{day}.jsonl", self._llm.price
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self._folder}: the folder cannot be made: {error.strerror}") from None
        try:
            ledger = Ledger(path, price)
        except InputError as error:
            in_use = f"{path}: another server uses it; give this one another folder, --spending FOLDER"
            raise InputError(in_use if "another process" in str(error) else str(error)) from None
        self._day, self._ledgers = day, [*self._ledgers, ledger]
        today, whole = ledger.before, any(key.budget for key in self.keys)
        # Calls of the day before that are under way count with their worst case.
        days = [Spending.read(file, price) for file in self._folder.glob("*.jsonl")] if whole else []
        of_day = (self._day_budget or Budget()).nested_in(self._llm.budget)
        of_day.spent, of_day.account = today.total(), ledger.account("all")
        of_day.learned_bounds.update(today.bounds)
        self._budgets = {"": of_day}
        for key in self.keys:
            total = (key.budget or Budget()).nested_in(of_day)
            total.spent = Usage.total(spending.total(key.name) for spending in days)
            self._budgets[key.name] = (key.day_budget or Budget()).nested_in(total)
            self._budgets[key.name].spent = today.total(key.name)
            self._budgets[key.name].account = ledger.account(key.name)

    def close(self) -> None:
        """Close the files."""
        for ledger in self._ledgers:
            ledger.close()
