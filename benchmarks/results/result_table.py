"""The results of a folder in columns: about 140 bytes a result, where an object takes 1.2 kB."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.results.line_reader import LineReader
from reasoning.benchmarks.results.result import FAILED, STATES, Result, ResultKey, parse_result
from reasoning.benchmarks.results.result_rows import COLUMNS, NAMED, ROW, Columns, ResultRows, row_type
from reasoning.record_lines import to_dataclass
from reasoning.usage import COUNTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_counts = attrgetter(*COUNTS)
_KEPT = 10_000
"""The results of a table that stay in memory as objects. Later ones that a file has are read from it when needed."""


class _Numbers(dict[str, int]):
    """The numbers of a column's texts. A text gets the next number when its number is first asked for.

    Args:
        texts: the texts so far, in order.

    Attributes:
        texts: the texts by their numbers.
    """

    def __init__(self, texts: Sequence[str] = ()) -> None:
        super().__init__((text, number) for number, text in enumerate(texts))
        self.texts = list(texts)

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        self.texts.append(text)
        return number


class ResultTable:
    """The results of a run by problem, strategy and epoch, in the order in which their keys were first added.

    Args:
        path: the file with the lines of results that `add` names; None without a file.

    Attributes:
        numbers: the numbers of the texts of each column of `NAMED`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.numbers = {column: _Numbers() for column in NAMED}
        self._rows = bytearray()
        # Whether there may be views of these bytes, which must not change then.
        self._is_shared = False
        self._objects: list[Result] = []
        self._lines: LineReader | None = None
        # By strategy and epoch, the position of the row of each problem; -1 for no row.
        self._positions: dict[tuple[int, int], array[int]] = {}

    @classmethod
    def of(cls, results: Mapping[ResultKey, Result] | ResultTable) -> ResultTable:
        """Return the table of results by key; a table is returned unchanged."""
        if isinstance(results, ResultTable):
            return results
        table = cls()
        for key, result in results.items():
            table[key] = result
        return table

    @property
    def names(self) -> dict[str, list[str]]:
        """The texts of each column of `NAMED`, by their numbers."""
        return {column: numbers.texts for column, numbers in self.numbers.items()}

    def add(self, result: Result, offset: int = -1) -> None:
        """Add a result, or replace the one of its key.

        Args:
            result: the result, or a record of `parse_record`.
            offset: the place of its line in the file, in bytes; -1 if it has none.

        Raises:
            ValueError: a number is too large to be stored.
        """
        row = self._pack(result, offset)
        self._unshare()
        number, strategy = self.numbers["problem"][result.problem], self.numbers["strategy"][result.strategy]
        if (positions := self._positions.get((strategy, result.epoch))) is None:
            positions = self._positions[strategy, result.epoch] = array("i")
        if (missing := number + 1 - len(positions)) > 0:
            positions.extend([-1] * missing)
        if (position := positions[number]) >= 0:
            self._rows[position * ROW.size : (position + 1) * ROW.size] = row
        else:
            positions[number] = len(self)
            self._rows += row

    def is_current(self, key: ResultKey, fingerprint: str) -> bool:
        """Return whether there is a result of this version of its strategy, and no call failed. No file is read."""
        if (position := self._find(key)) is None:
            return False
        row = self._row(position)
        has_failed = row["state"] == STATES.index(FAILED)
        return not has_failed and self.numbers["fingerprint"].texts[row["fingerprint"]] == fingerprint

    def append(self, result: Result) -> None:
        """Add a result whatever its key, which cannot be looked up then."""
        row = self._pack(result, -1)
        self._unshare()
        self._rows += row

    def rows(self) -> ResultRows:
        """Return all results as they are now; later changes of the table do not show in them."""
        self._is_shared = True
        return ResultRows(self, Columns.of(self._rows))

    def restore(self, rows: memoryview, names: Mapping[str, Sequence[str]]) -> None:
        """Take over stored rows and names in place of what the table has.

        Raises:
            ValueError: a row names what is not there.
        """
        import numpy as np

        table = ResultTable(self.path)
        table._rows += rows
        table.numbers = {column: _Numbers(names[column]) for column in NAMED}
        data = table.rows().data
        for column in NAMED:
            least = -1 if column in ("family", "unrecorded") else 0
            if len(data) and not least <= data[column].min() <= data[column].max() < len(table.names[column]):
                raise ValueError(f"the column {column!r} has numbers without a name")
        for strategy, epoch in {*zip(data["strategy"].tolist(), data["epoch"].tolist(), strict=True)}:
            [places] = np.nonzero((data["strategy"] == strategy) & (data["epoch"] == epoch))
            positions = np.full(len(table.numbers["problem"].texts), -1, dtype=np.int32)
            positions[data["problem"][places]] = places
            table._positions[strategy, epoch] = array("i", positions.tobytes())
        self.__dict__.update(table.__dict__)

    def packed(self) -> NDArray[np.uint8]:
        """Return the rows as `restore` takes them, without the objects of this process."""
        import numpy as np

        rows = np.frombuffer(self._rows, dtype=row_type()).copy()
        rows["object"] = -1
        return rows.view(np.uint8)

    def __setitem__(self, key: ResultKey, result: Result) -> None:
        self.add(result)

    def __getitem__(self, key: ResultKey) -> Result:
        if (position := self._find(key)) is None:
            raise KeyError(key)
        return self._at(position)

    def _at(self, position: int) -> Result:
        row = self._row(position)
        return self.load(row["object"], row["offset"])

    def _row(self, position: int) -> dict[str, Any]:
        return dict(zip(COLUMNS, ROW.unpack_from(self._rows, position * ROW.size), strict=True))

    def get(self, key: ResultKey) -> Result | None:
        """Return the result of a key; None without one."""
        position = self._find(key)
        return None if position is None else self._at(position)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and self._find(key) is not None

    def __len__(self) -> int:
        return len(self._rows) // ROW.size

    def __iter__(self) -> Iterator[ResultKey]:
        return iter(self.rows().iter_keys())

    def keys(self) -> Iterator[ResultKey]:
        """Return the keys, in order."""
        return iter(self)

    def values(self) -> ResultRows:
        """Return all results; see `rows`."""
        return self.rows()

    def items(self) -> Iterator[tuple[ResultKey, Result]]:
        """Yield each key with its result."""
        rows = self.rows()
        return zip(rows.iter_keys(), rows, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping | ResultTable) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} results>"

    def load(self, number: int, offset: int) -> Result:
        """Return a result that is an object in memory, or a line of the file.

        Args:
            number: the number of the object; -1 for none.
            offset: the place of the line.

        Raises:
            InputError: the file cannot be read.
        """
        if number >= 0:
            return self._objects[number]
        assert self.path is not None
        if self._lines is None:
            self._lines = LineReader(self.path)
        return parse_result(self._lines.read(offset), f"{self.path} at byte {offset}")

    def _unshare(self) -> None:
        if self._is_shared:
            self._rows, self._is_shared = bytearray(self._rows), False

    def _find(self, key: tuple[Any, ...]) -> int | None:
        problem, strategy, epoch = key
        positions = self._positions.get((self.numbers["strategy"].get(strategy, -1), epoch))
        number = self.numbers["problem"].get(problem, -1)
        if positions is None or not 0 <= number < len(positions) or positions[number] < 0:
            return None
        return positions[number]

    def _pack(self, result: Result, offset: int) -> bytes:
        kept = -1
        if offset < 0 or len(self._objects) < _KEPT:
            kept = len(self._objects)
            self._objects.append(to_dataclass(result, Result))
        usage, state, numbers = result.usage, result.state, self.numbers
        try:
            return ROW.pack(
                numbers["problem"][result.problem],
                numbers["strategy"][result.strategy],
                result.epoch,
                numbers["family"][result.family] if result.family else -1,
                numbers["rule"][result.rule or f"{state}: {result.reason.partition(':')[0]}"],
                numbers["fingerprint"][result.fingerprint],
                numbers["unrecorded"][",".join(result.unrecorded)] if result.unrecorded else -1,
                kept,
                result.parser_version,
                _digest(result.value),
                offset,
                *_counts(usage),
                math.nan if usage.usd is None else usage.usd,
                usage.seconds,
                math.nan if result.confidence is None else result.confidence,
                result.token_limit,
                STATES.index(state),
                result.correct is True,
                # Never if it is right; asking for it takes half a microsecond.
                result.correct is not True and result.could_be_right,
                result.only_reasoning > 0,
                result.repetitive > 0,
                result.refused > 0,
                result.claimed_outputs > 0,
            )
        except (struct.error, OverflowError):
            raise ValueError("a number is too large") from None


def _digest(value: str | None) -> int:
    """Return a number that is different for different answers, except by a chance of 2^-64; 0 for None."""
    if value is None:
        return 0
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def rows_of(results: Iterable[Result]) -> ResultRows:
    """Return the rows of results; rows are returned unchanged."""
    if isinstance(results, ResultRows):
        return results
    table = ResultTable()
    for result in results:
        table.append(result)
    return table.rows()
