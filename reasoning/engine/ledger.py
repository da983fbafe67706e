"""The spending of a run over all commands that have continued it, in a file that survives kills.

Every call is entered twice: with its worst case before it is sent, and with its usage when it has
ended. A call without the second entry, whose process was killed, counts with its worst case. So
spending may be overestimated by the calls that a kill interrupted, and is never underestimated.

A line of a batch survives its process, and has a name. When a later command asks for it again, the
entry of that name replaces the earlier one, so that the line counts once.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from reasoning import forks
from reasoning.engine.cost_bounds import Excess, LearnedBounds, Price
from reasoning.errors import InputError, JournalError
from reasoning.files import parse_json_object
from reasoning.messages import Usage

Scope = tuple[str, ...]
"""The part of a run that spends, such as a strategy and a problem; empty for the whole run."""
_LARGEST = 1e30
"""The largest number in a valid entry."""
_OTHER_COUNTS = ("cached_tokens", "reasoning_tokens", "cache_write_tokens")
"""The counts that an entry has if they are not 0."""
_decode = json.JSONDecoder().decode
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass
class Spending:
    """The spending that a ledger's file holds.

    Attributes:
        by_scope: the usage of each part of the run, with the calls whose end is not known.
        interrupted: the worst case of those calls, which is included in `by_scope`.
        bounds: what was learned about the models of the run.
        open_calls: the interrupted calls that have a name, with their parts of the run and their worst cases.
    """

    by_scope: dict[Scope, Usage] = field(default_factory=dict)
    interrupted: Usage = field(default_factory=Usage)
    bounds: LearnedBounds = field(default_factory=LearnedBounds)
    open_calls: dict[str, tuple[Scope, Usage]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, price: Price) -> Spending:
        """Read the file of a ledger; a missing file has no spending.

        Args:
            path: the file.
            price: the price of usages that were entered without one.

        Raises:
            InputError: the file cannot be read or is damaged; names the line.
        """
        spending, scopes, under_way = cls(), {0: Scope()}, dict[int, tuple[Scope, Usage]]()
        numbers, names = dict[str, int](), dict[int, str]()
        for number, entry in _entries(path):
            try:
                if "scope" in entry:
                    scopes[entry["scope"]] = tuple(map(_text, entry["of"]))
                elif "bounds" in entry:
                    endpoint, model = entry["bounds"]
                    spending.bounds.restore((endpoint and _text(endpoint), _text(model)), _excess(entry))
                elif "sent" in entry:
                    if "call" in entry:
                        name = _text(entry["call"])
                        under_way.pop(numbers.get(name, 0), None)
                        numbers[name], names[entry["sent"]] = entry["sent"], name
                    under_way[entry["sent"]] = scopes[entry["in"]], _usage(entry, price)
                else:
                    scope, _ = under_way.pop(entry["ended"])
                    spending._add(scope, _usage(entry, price))
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(f"{path}:{number}: damaged entry: {error!r}") from None
        for number, (scope, worst) in under_way.items():
            if number in names:
                spending.open_calls[names[number]] = scope, worst
            spending._add(scope, worst)
            spending.interrupted = spending.interrupted + worst
        return spending

    def total(self, *scope: str) -> Usage:
        """Return the spending of a part of the run: of all scopes that begin with these names."""
        return Usage.total(usage for part, usage in self.by_scope.items() if part[: len(scope)] == scope)

    def carried(self, *scope: str) -> dict[str, Usage]:
        """Return the worst cases of the named calls that a part of the run has begun and not ended, by name."""
        return {name: worst for name, (part, worst) in self.open_calls.items() if part[: len(scope)] == scope}

    def _add(self, scope: Scope, usage: Usage) -> None:
        self.by_scope[scope] = self.by_scope.get(scope, Usage()) + usage


class Ledger:
    """The file in which a run enters its calls. One process at a time has it open.

    Args:
        path: the file; it is created if it is missing.
        price: the price of usages that were entered without one.

    Attributes:
        before: the spending of the commands before this one.

    Raises:
        InputError: the file is damaged, in use, or cannot be written.
    """

    def __init__(self, path: Path, price: Price) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            self._lock()
            self.before = Spending.read(path, price)
            # A line that a kill or a full disk has cut off was not counted.
            end, self._last = _complete_lines(path)
            os.ftruncate(self._file, end)
        except BaseException:
            os.close(self._file)
            raise
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Close the file in a child process, which would number its entries as the parent does."""
        self.close()

    def account(self, *scope: str) -> Account:
        """Return the account of a part of the run."""
        return Account(self, scope)

    def append(self, **entry: Any) -> int:
        """Write an entry, and return its number.

        Raises:
            JournalError: the file cannot be written.
        """
        line = _encode(entry).encode() + b"\n"
        try:
            if (written := os.write(self._file, line)) != len(line):
                # The rest of a cut line would damage the next one.
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError(errno.ENOSPC, "no space left on the disk")
        except OSError as error:
            raise JournalError(
                f"{self.path}: cannot be written: {error.strerror}; no call is sent whose cost is not recorded"
            ) from None
        self._last += 1
        return self._last

    def close(self) -> None:
        """Close the file. Entries after that are dropped: the calls keep their worst case."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"{self.path}: another process spends on this run; wait for it, or give another --out"
            ) from None


class Account:
    """The entries of one part of a run in its ledger."""

    def __init__(self, ledger: Ledger, scope: Scope) -> None:
        self._ledger, self._scope, self._number = ledger, scope, 0

    def begin(self, worst: Usage, name: str = "") -> int:
        """Enter a call that will be sent, and return its number.

        Args:
            worst: its worst case.
            name: the name of a call that survives this process; see `Client.call_name`.

        Raises:
            JournalError: the file cannot be written, so that the call must not be sent.
        """
        if self._scope and not self._number:
            number = self._ledger._last + 1
            self._number = self._ledger.append(scope=number, of=self._scope)
        number = self._ledger._last + 1
        named = {"call": name} if name else {}
        return self._ledger.append(sent=number, **{"in": self._number}, **_counts(worst), **named)

    def end(self, number: int, used: Usage) -> None:
        """Enter the usage of a call that has ended. If that cannot be written, it counts with its worst case."""
        with suppress(JournalError):
            self._ledger.append(ended=number, **_counts(used))

    def learned(self, model: tuple[str | None, str], excess: Excess) -> None:
        """Enter the bounds of a model that have grown."""
        with suppress(JournalError):
            self._ledger.append(bounds=model, **asdict(excess))


def _counts(usage: Usage) -> dict[str, Any]:
    others = {name: value for name in _OTHER_COUNTS if (value := getattr(usage, name))}
    return {
        "calls": usage.calls,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "usd": usage.usd,
        **others,
    }


def _complete_lines(path: Path) -> tuple[int, int]:
    """Return the bytes and the number of a file's complete lines; a missing file has none.

    The number is that of the last entry: numbers are never used twice, whether they name scopes or calls.
    """
    end = count = size = 0
    with suppress(FileNotFoundError), path.open("rb") as file:
        while block := file.read(1 << 20):
            count += block.count(b"\n")
            if (last := block.rfind(b"\n")) >= 0:
                end = size + last + 1
            size += len(block)
    return end, count


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the entries with the numbers of their lines, without a last line that was cut off."""
    for number, line in enumerate(_lines(path), 1):
        try:
            entry = _decode(line.decode())
        except (ValueError, RecursionError):
            entry = None
        # The fast decoder names no place.
        yield number, entry if isinstance(entry, dict) else parse_json_object(line, f"{path}:{number}")


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the complete lines one by one: a large run has millions."""
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _usage(entry: Mapping[str, Any], price: Price) -> Usage:
    calls, prompt, completion = (int(_number(entry[name])) for name in ("calls", "prompt_tokens", "completion_tokens"))
    others = {name: int(_number(entry.get(name, 0))) for name in _OTHER_COUNTS}
    used = Usage(calls, prompt, completion, **others)
    return replace(used, usd=price(used) if entry["usd"] is None else float(_number(entry["usd"])))


def _excess(entry: Mapping[str, Any]) -> Excess:
    return Excess(**{name.name: _number(entry[name.name]) for name in fields(Excess)})


def _number(value: Any) -> Any:
    """Return a number; a NaN would exceed no limit, and a text would fail later."""
    if not (isinstance(value, int | float) and 0 <= value <= _LARGEST):
        raise ValueError(f"numbers must be from 0 to {_LARGEST:g}, got {value!r:.40}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"names must be texts, got {value!r:.40}")
    return value
