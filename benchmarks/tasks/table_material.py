"""The material from which a template draws a question about a table, and the draft that it returns."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reasoning.benchmarks.tasks.table_domains import Domain, Measure
from reasoning.kinds import Kind
from reasoning.tables_sql.quoting import quote_name as quote
from reasoning.tables_sql.quoting import quote_text as text
from reasoning.tables_sql.table import Table


@dataclass(frozen=True)
class Draft:
    """A question, the query that answers it with one cell, and the kind of the answer."""

    question: str
    sql: str
    kind: Kind


@dataclass(frozen=True)
class Material:
    """The material from which a template draws a question.

    Attributes:
        chance: the generator of random numbers.
        domain: the subject.
        table: the first table.
        measure: a column of numbers.
        group: a group that the table has.
    """

    chance: random.Random
    domain: Domain
    table: Table
    measure: Measure
    group: str

    @property
    def name(self) -> str:
        """The name of a row."""
        return self.chance.choice(self.names)

    @property
    def names(self) -> Sequence[str]:
        """The names of the rows."""
        return [str(name) for name in self.table.column(self.table.header[0])]

    @property
    def value(self) -> str:
        """A cell of the measure, as it is written."""
        index = self.table.index(self.measure.column)
        return self.chance.choice(self.table.shown)[index]

    def number(self, cell: str) -> str:
        """Return a written cell as a number for SQL."""
        return "".join(letter for letter in cell if letter.isdecimal())

    def say(self, *phrasings: str, **words: object) -> str:
        """Return one of several phrasings with its places filled."""
        text = self.chance.choice(phrasings).format(
            one=self.domain.one,
            many=self.domain.many,
            noun=self.measure.noun,
            unit=self.measure.unit and f" {self.measure.unit}",
            group=self.domain.group,
            of_group=self.domain.of_group.format(self.group),
            dated=self.domain.dated,
            **words,
        )
        return text[0].upper() + text[1:]

    @property
    def key(self) -> str:
        """The column of names in SQL."""
        return quote(self.table.header[0])

    @property
    def column(self) -> str:
        """The measure's column in SQL."""
        return quote(self.measure.column)

    @property
    def in_group(self) -> str:
        """The condition of the group in SQL."""
        return f"{quote(self.domain.group)} = {text(self.group)}"


Template = Callable[[Material], Draft]
HIGHEST = (("highest", "max", "DESC"), ("lowest", "min", "ASC"))
