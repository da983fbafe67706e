"""Results in an order, with their columns as arrays."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, overload

from reasoning.benchmarks.results.result import FAILED, STATES, Result, ResultKey
from reasoning.usage import COUNTS, Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("problem", "strategy", "epoch", "family", "rule", "fingerprint"), "i"),
    **dict.fromkeys(("unrecorded", "object", "parser_version"), "i"),
    **dict.fromkeys(("value", "offset"), "q"),
    **dict.fromkeys(COUNTS, "d"),
    **dict.fromkeys(("usd", "seconds", "confidence", "token_limit"), "d"),
    "state": "B",
    **dict.fromkeys(("correct", "could_be_right", "only_reasoning", "repetitive", "refused", "claimed_outputs"), "?"),
}
"""The columns by name, with their types in the letters of `struct`.

Texts are numbers of a list of names: `problem`, `strategy`, `family` and `unrecorded` (-1 for none), `rule` (with the
state and the beginning of the reason in place of a rule) and `fingerprint`. `value` is a digest of the answer, 0 for
none. Counts are
floats, since a file may have such; `usd` and `confidence` are NaN where they are not known. `object` is the number of
an object in memory, and `offset` the place of the line in the file; -1 for none.
"""
ROW = struct.Struct("<" + "".join(COLUMNS.values()))
NAMED = ("problem", "strategy", "family", "rule", "fingerprint", "unrecorded")
"""The columns with the number of a name."""


_NUMPY = {"i": "i4", "q": "i8", "d": "f8", "B": "u1", "?": "?"}


def row_type() -> list[tuple[str, str]]:
    """Return the type of a row as numpy describes it."""
    return [(name, f"<{_NUMPY[letter]}") for name, letter in COLUMNS.items()]


class _Source(Protocol):
    """The table that has the results of rows."""

    @property
    def names(self) -> Mapping[str, list[str]]: ...

    @property
    def numbers(self) -> Mapping[str, Mapping[str, int]]: ...

    def load(self, number: int, offset: int) -> Result: ...


class Columns:
    """The columns of some rows. A column is made when it is first read.

    Args:
        rows: an array with the fields of `COLUMNS`, or the columns that have all rows.
        places: the positions of the rows that count, in order; None for all.
    """

    def __init__(self, rows: NDArray[Any] | Columns, places: NDArray[np.int64] | None = None) -> None:
        self._rows, self._places = rows, places
        self._made: dict[str, NDArray[Any]] = {}

    @classmethod
    def of(cls, packed: bytes | bytearray) -> Columns:
        """Return the columns of rows that `ROW` has packed."""
        import numpy as np

        return cls(np.frombuffer(packed, dtype=row_type()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        if (column := self._made.get(name)) is None:
            column = self._rows[name]
            # A copy has its values next to each other: choosing some of them takes a tenth of the time.
            column = self._made[name] = column.copy() if self._places is None else column[self._places]
        return column

    def __len__(self) -> int:
        return len(self._rows if self._places is None else self._places)

    def where(self, chosen: NDArray[Any] | slice) -> Columns:
        """Return the rows that a boolean mask, positions or a slice select."""
        import numpy as np

        if self._places is None:
            return Columns(self, np.arange(len(self))[chosen])
        return Columns(self._rows, self._places[chosen])


class ResultRows(Sequence[Result]):
    """Results in an order, with their columns as arrays. As a sequence it has the results themselves.

    Args:
        table: where the results are, and the names of the columns' numbers.
        data: the columns.

    Attributes:
        data: the columns.
    """

    def __init__(self, table: _Source, data: Columns) -> None:
        self._table, self.data = table, data

    def where(self, mask: NDArray[Any]) -> ResultRows:
        """Return the rows that a boolean mask or an array of positions selects."""
        return ResultRows(self._table, self.data.where(mask))

    def names(self, column: str) -> list[str]:
        """Return the texts that the numbers of a column stand for."""
        return self._table.names[column]

    def numbers(self, column: str, texts: Iterable[str]) -> NDArray[np.int64]:
        """Return the numbers that stand for texts in a column; -2 for a text that no row has."""
        import numpy as np

        known = self._table.numbers[column]
        return np.array([known.get(text, -2) for text in texts], dtype=np.int64)

    def of_strategy(self, spec: str) -> ResultRows:
        """Return the rows of one strategy."""
        return self.where(self.data["strategy"] == self.numbers("strategy", [spec])[0])

    def of_problems(self, problems: Iterable[str]) -> ResultRows:
        """Return the rows of these problems."""
        import numpy as np

        return self.where(np.isin(self.data["problem"], self.numbers("problem", problems)))

    @property
    def failed(self) -> NDArray[np.bool_]:
        """True where a call failed, by row."""
        mask: NDArray[np.bool_] = self.data["state"] == STATES.index(FAILED)
        return mask

    @property
    def clusters(self) -> NDArray[np.int64]:
        """The numbers of `Result.cluster`, by row: those of families come after those of problems."""
        import numpy as np

        problem, family = self.data["problem"].astype(np.int64), self.data["family"].astype(np.int64)
        return np.where(family >= 0, family + len(self.names("problem")), problem)

    def distinct(self, column: str) -> list[str]:
        """Return the texts of a column, each once, in the order of their first rows."""
        import numpy as np

        names, numbers = self.names(column), self.data[column]
        first = np.full(len(names) + 1, len(numbers))
        # The last of several assignments to one place counts. -1, for no name, is the last place.
        first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
        [present] = np.nonzero(first[:-1] < len(numbers))
        return [names[number] for number in present[np.argsort(first[present])]]

    @property
    def unrecorded(self) -> list[str]:
        """The parts of the usage that are unknown for some rows, each once."""
        return list(dict.fromkeys(part for parts in self.distinct("unrecorded") for part in parts.split(",")))

    def usage(self) -> Usage:
        """Return the sum of the usages, added in order as `Usage.total` does."""
        import numpy as np

        data = self.data
        if not len(data):
            return Usage()

        def add(column: NDArray[np.float64]) -> float:
            # numpy.sum adds in another order, which changes the last digits.
            return float(np.add.accumulate(column)[-1])

        def count(name: str) -> int:
            total = add(data[name])
            return int(total) if total.is_integer() else total  # type: ignore[return-value]

        unknown = np.isnan(data["usd"])
        has_price = not unknown.all() and not (unknown & (data["calls"] > 0)).any()
        return Usage(
            **{name: count(name) for name in COUNTS},
            usd=add(data["usd"][~unknown]) if has_price else None,
            seconds=add(data["seconds"]),
        )

    def iter_keys(self) -> Iterator[ResultKey]:
        """Yield the keys of the results, in order."""
        problems, specs, data = self.names("problem"), self.names("strategy"), self.data
        numbers = zip(data["problem"].tolist(), data["strategy"].tolist(), data["epoch"].tolist(), strict=True)
        return (ResultKey(problems[problem], specs[spec], epoch) for problem, spec, epoch in numbers)

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> ResultRows: ...

    def __getitem__(self, index: int | slice) -> Result | ResultRows:
        if isinstance(index, slice):
            return ResultRows(self._table, self.data.where(index))
        return self._table.load(int(self.data["object"][index]), int(self.data["offset"][index]))

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Result]:
        numbers, offsets = self.data["object"].tolist(), self.data["offset"].tolist()
        return map(self._table.load, numbers, offsets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} results>"
