"""The questions about generated tables: each template draws a question and the SQL that answers it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reasoning.benchmarks.tasks.table_domains import Domain, Measure
from reasoning.kinds import Choice, Kind, Number, Text, YesNo
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


# Easy: one cell answers the question.


def look_up(m: Material) -> Draft:
    name = m.name
    question = m.say(
        "What is the {noun} of {name}{unit}?",
        "Give the {noun}{unit} of {name}.",
        "According to the table, what is the {noun}{unit} of {name}?",
        name=name,
    )
    return Draft(question, f"SELECT {m.column} FROM w WHERE {m.key} = {text(name)}", Number())


def look_up_name(m: Material) -> Draft:
    value = m.value
    question = m.say(
        "For which {one} does the table give {value} as the {noun}?",
        "Which {one} is listed with {value} as its {noun}?",
        value=value,
    )
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.column} = {m.number(value)}", Text())


def look_up_group(m: Material) -> Draft:
    name = m.name
    question = m.say("Which {group} does the table state for {name}?", "What is the {group} of {name}?", name=name)
    sql = f"SELECT {quote(m.domain.group)} FROM w WHERE {m.key} = {text(name)}"
    return Draft(question, sql, Choice(m.chance.sample(m.domain.groups, 4)))


def look_up_year(m: Material) -> Draft:
    name = m.name
    question = m.say(
        'Which year does the column "{date}" give for {name}?',
        'In which year lies the date of {name} in the column "{date}"?',
        name=name,
        date=m.domain.date,
    )
    sql = f"SELECT CAST(strftime('%Y', {quote(m.domain.date)}) AS INTEGER) FROM w WHERE {m.key} = {text(name)}"
    return Draft(question, sql, Number())


def check(m: Material) -> Draft:
    name, value = m.name, m.value
    question = m.say(
        "Is the {noun} of {name} {value}?",
        "Does the table give {value} as the {noun} of {name}?",
        name=name,
        value=value,
    )
    return Draft(question, f"SELECT {m.column} = {m.number(value)} FROM w WHERE {m.key} = {text(name)}", YesNo())


# Medium: conditions, comparisons and aggregates.


def count(m: Material) -> Draft:
    value = m.value
    question = m.say(
        "For how many {many} is the {noun} above {value}?",
        "Count the {many} whose {noun} is more than {value}.",
        "How many of the {many} have more than {value} as their {noun}?",
        value=value,
    )
    return Draft(question, f"SELECT count(*) FROM w WHERE {m.column} > {m.number(value)}", Number())


def count_in_group(m: Material) -> Draft:
    value = m.value
    question = m.say(
        "For how many {many} {of_group} is the {noun} at most {value}?",
        "Count the {many} {of_group} whose {noun} is not above {value}.",
        value=value,
    )
    return Draft(question, f"SELECT count(*) FROM w WHERE {m.in_group} AND {m.column} <= {m.number(value)}", Number())


def extreme_in_group(m: Material) -> Draft:
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say(
        "Among the {many} {of_group}, which one has the {word} {noun}?",
        "Which of the {many} {of_group} has the {word} {noun}?",
        word=word,
    )
    best = f"(SELECT {function}({m.column}) FROM w WHERE {m.in_group})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.in_group} AND {m.column} = {best}", Text())


def total_in_group(m: Material) -> Draft:
    question = m.say(
        "What is the total {noun}{unit} of all {many} {of_group}?",
        "Add up the {noun} of every {one} {of_group}. What is the sum{unit}?",
    )
    return Draft(question, f"SELECT sum({m.column}) FROM w WHERE {m.in_group} HAVING count(*) > 1", Number())


def average_in_group(m: Material) -> Draft:
    question = m.say(
        "What is the average {noun}{unit} of the {many} {of_group}? Round to one decimal.",
        "Take all {many} {of_group}. What is the mean of their {noun}{unit}, to one decimal?",
    )
    return Draft(question, f"SELECT round(avg({m.column}), 1) FROM w WHERE {m.in_group} HAVING count(*) > 1", Number())


def compare(m: Material) -> Draft:
    first, second = m.chance.sample(m.names, 2)
    question = m.say(
        "Is the {noun} of {first} higher than that of {second}?",
        "Does {first} have a higher {noun} than {second}?",
        first=first,
        second=second,
    )
    return Draft(question, f"SELECT {_of(m, first)} > {_of(m, second)}", YesNo())


def difference(m: Material) -> Draft:
    first, second = m.chance.sample(m.names, 2)
    question = m.say(
        "By how much does the {noun} of {first} differ from that of {second}{unit}?",
        "How far apart are {first} and {second} in their {noun}{unit}?",
        first=first,
        second=second,
    )
    return Draft(question, f"SELECT abs({_of(m, first)} - {_of(m, second)})", Number())


def extreme_of_four(m: Material) -> Draft:
    options = m.chance.sample(m.names, 4)
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say("Which of these {many} has the {word} {noun}?", word=word)
    among = f"{m.key} IN ({', '.join(map(text, options))})"
    best = f"(SELECT {function}({m.column}) FROM w WHERE {among})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {among} AND {m.column} = {best}", Choice(options))


def first_in_group(m: Material) -> Draft:
    word, function = m.chance.choice([("first", "min"), ("last", "max")])
    date = quote(m.domain.date)
    question = m.say("Which of the {many} {of_group} {dated} {word}?", word=word)
    best = f"(SELECT {function}({date}) FROM w WHERE {m.in_group})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.in_group} AND {date} = {best}", Text())


def count_dates(m: Material) -> Draft:
    year = m.chance.choice(m.table.column(m.domain.date)).year  # type: ignore[union-attr]
    question = m.say(
        'In how many rows is the date in the column "{date}" before 1 January {year}?',
        'How many of the {many} have a date before the year {year} in the column "{date}"?',
        year=year,
        date=m.domain.date,
    )
    return Draft(question, f"SELECT count(*) FROM w WHERE {quote(m.domain.date)} < '{year}-01-01'", Number())


# Hard: several steps, groups, and a second table.


def best_group(m: Material) -> Draft:
    word, _, order = m.chance.choice(HIGHEST)
    group = quote(m.domain.group)
    question = m.say(
        "Add up the {noun} of the {many} for each {group}. Which {group} has the {word} total?",
        "Which {group} has the {word} total {noun} over all of its {many}?",
        word=word,
    )
    best = f"SELECT sum({m.column}) FROM w GROUP BY {group} ORDER BY 1 {order} LIMIT 1"
    return Draft(question, f"SELECT {group} FROM w GROUP BY {group} HAVING sum({m.column}) = ({best})", Text())


def above_own_average(m: Material) -> Draft:
    group = quote(m.domain.group)
    question = m.say(
        "For how many {many} is the {noun} above the average of all {many} of the same {group}?",
        "For each {group}, take the average {noun} of its {many}. How many {many} lie above that of their {group}?",
    )
    average = f"(SELECT avg({m.column}) FROM w b WHERE b.{group} = a.{group})"
    return Draft(question, f"SELECT count(*) FROM w a WHERE {m.column} > {average}", Number())


def difference_of_totals(m: Material) -> Draft:
    other = m.chance.choice([group for group in m.domain.groups if group != m.group])
    question = m.say(
        "What is the difference between the total {noun}{unit} of the {many} {of_group} and that of the {many} "
        "{of_other}? Give it without a sign.",
        of_other=m.domain.of_group.format(other),
    )
    totals = [
        f"(SELECT sum({m.column}) FROM w WHERE {quote(m.domain.group)} = {text(group)})" for group in (m.group, other)
    ]
    return Draft(question, f"SELECT abs({totals[0]} - {totals[1]})", Number())


def rank(m: Material) -> Draft:
    word, _, order = m.chance.choice(HIGHEST)
    place = m.chance.choice(["second", "third", "fourth"])
    offset = ["second", "third", "fourth"].index(place) + 1
    question = m.say(
        "Sort the {many} by {noun}, the {word} first. Which {one} is {place}?",
        "Which {one} is {place} when the {many} are ranked by {noun} from the {word} on?",
        word=word,
        place=place,
    )
    value = f"(SELECT {m.column} FROM w ORDER BY 1 {order} LIMIT 1 OFFSET {offset})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.column} = {value}", Text())


def other_measure_of_extreme(m: Material) -> Draft:
    other = m.chance.choice([one for one in m.domain.measures if one != m.measure])
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say(
        "Take the {one} with the {word} {noun} among those {of_group}. What is its {other}{other_unit}?",
        "What is the {other}{other_unit} of the {one} {of_group} that has the {word} {noun}?",
        word=word,
        other=other.noun,
        other_unit=other.unit and f" {other.unit}",
    )
    best = f"(SELECT {function}({m.column}) FROM w WHERE {m.in_group})"
    sql = f"SELECT {quote(other.column)} FROM w WHERE {m.in_group} AND {m.column} = {best}"
    return Draft(question, sql, Number())


def join_total(m: Material) -> Draft:
    which, sql = _of_kind(m)
    question = m.say(
        "What is the total {noun}{unit} of all {many} {which}?",
        "Add up the {noun} of the {many} {which}. What is the sum{unit}?",
        which=which,
    )
    return Draft(question, f"SELECT sum({m.column}) FROM w WHERE {sql} HAVING count(*) > 1", Number())


def join_extreme(m: Material) -> Draft:
    which, sql = _of_kind(m)
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say(
        "Which of the {many} {which} has the {word} {noun}?",
        "Among all {many} {which}, which one has the {word} {noun}?",
        word=word,
        which=which,
    )
    best = f"(SELECT {function}({m.column}) FROM w WHERE {sql})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {sql} AND {m.column} = {best}", Text())


def join_count(m: Material) -> Draft:
    second = m.domain.second
    limit = m.chance.choice(second.measure.values)
    which = second.above.format(f"{limit:,}")
    question = m.say("How many {many} are {which}?", "Count the {many} that are {which}.", which=which)
    if not second.above.startswith(("in ", "over ")):
        question = m.say("How many {many} {which} are there?", "Count the {many} {which}.", which=which)
    groups = f"SELECT {quote(m.domain.group)} FROM {second.name} WHERE {quote(second.measure.column)} > {limit}"
    return Draft(question, f"SELECT count(*) FROM w WHERE {quote(m.domain.group)} IN ({groups})", Number())


def join_compare(m: Material) -> Draft:
    first, second = m.chance.sample(m.domain.second.kinds, 2)
    phrases = [m.domain.second.of_kind.format(kind) for kind in (first, second)]
    question = m.say(
        "Is the total {noun} of the {many} {first} higher than that of the {many} {second}?",
        first=phrases[0],
        second=phrases[1],
    )
    totals = [f"(SELECT sum({m.column}) FROM w WHERE {_kind_is(m, kind)})" for kind in (first, second)]
    return Draft(question, f"SELECT {totals[0]} > {totals[1]}", YesNo())


def join_attribute(m: Material) -> Draft:
    word, function, _ = m.chance.choice(HIGHEST)
    column, noun = m.domain.second.kind
    question = m.say(
        "Take the {one} with the {word} {noun} of all. What is the {attribute} of its {group}?",
        "What is the {attribute} of the {group} to which the {one} with the {word} {noun} belongs?",
        word=word,
        attribute=noun,
    )
    best = f"SELECT {quote(m.domain.group)} FROM w WHERE {m.column} = (SELECT {function}({m.column}) FROM w)"
    sql = f"SELECT {quote(column)} FROM {m.domain.second.name} WHERE {quote(m.domain.group)} = ({best})"
    return Draft(question, sql, Choice(m.domain.second.kinds))


def _of(m: Material, name: str) -> str:
    return f"(SELECT {m.column} FROM w WHERE {m.key} = {text(name)})"


def _of_kind(m: Material) -> tuple[str, str]:
    """Return a phrase and a condition for the rows whose group has some value in the second table."""
    kind = m.chance.choice(m.domain.second.kinds)
    return m.domain.second.of_kind.format(kind), _kind_is(m, kind)


def _kind_is(m: Material, kind: str) -> str:
    second = m.domain.second
    groups = f"SELECT {quote(m.domain.group)} FROM {second.name} WHERE {quote(second.kind[0])} = {text(kind)}"
    return f"{quote(m.domain.group)} IN ({groups})"


TEMPLATES: dict[str, tuple[Template, ...]] = {
    "easy": (look_up, look_up_name, look_up_group, look_up_year, check),
    "medium": (
        *(count, count_in_group, extreme_in_group, total_in_group, average_in_group),
        *(compare, difference, extreme_of_four, first_in_group, count_dates),
    ),
    "hard": (
        *(best_group, above_own_average, difference_of_totals, rank, other_measure_of_extreme),
        *(join_total, join_extreme, join_count, join_compare, join_attribute),
    ),
}
"""The templates of each level. Half of the hard ones need the second table."""
JOINS = frozenset({join_total, join_extreme, join_count, join_compare, join_attribute})
"""The templates that need the second table."""
