"""Questions about generated tables at three levels of difficulty, answered by executing SQL."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Any

from reasoning.benchmarks.tasks.table_domains import DOMAINS, Domain
from reasoning.benchmarks.tasks.table_templates import TEMPLATES, Draft, Material, Template
from reasoning.benchmarks.tasks.task import BY_KIND, GENERATED
from reasoning.errors import UnknownName
from reasoning.kinds import Choice, YesNo
from reasoning.problem import Example, Problem
from reasoning.tables_sql.forms import write_named_table
from reasoning.tables_sql.sql import run_trusted_sql
from reasoning.tables_sql.table import Table

_ROWS = {"easy": range(5, 9), "medium": range(9, 15), "hard": range(14, 21)}
"""The number of rows of a table, by level."""
_FORMS = ("{0:%Y-%m-%d}", "{0.day} {0:%B} {0.year}", "{0:%b} {0.day}, {0.year}")
_FIRST_DAY = datetime.date(1961, 1, 1)
_DAYS = 60 * 365


@dataclass(frozen=True)
class TableQuestions:
    """Questions about tables of invented towns, firms, works and people.

    The levels are splits. "easy" asks for one cell; "medium" for conditions, comparisons and
    aggregates; "hard" for several steps, and in every second question for a join with a second
    table, which stands in the problem's context in every question of the level. A table may write
    numbers with separators and currency signs, and dates in several forms. Answers are numbers,
    texts, options, and yes or no; each is what a query returns, and a question whose answer is not
    unique is drawn again.

    Attributes:
        split: "easy", "medium" or "hard".
    """

    split: str = "medium"

    name = "table_questions"
    kind = "number, text, choice, yesno"
    scorer = BY_KIND
    source = "generated from a seed"
    licence = "Apache-2.0"
    canary = ""
    contamination = GENERATED
    seeded = True
    size = math.inf
    splits = tuple(TEMPLATES)

    def with_split(self, split: str) -> TableQuestions:
        """Return the task with another level.

        Raises:
            UnknownName: there is no such level.
        """
        if split not in self.splits:
            raise UnknownName("split", split, self.splits, f"of {self.name}")
        return replace(self, split=split)

    def version(self) -> str:
        return "1"

    def load(self, limit: int, seed: int) -> list[Example]:
        return list(islice(_examples(self.split, seed), limit))


TABLE_QUESTIONS = TableQuestions()


def _examples(level: str, seed: int) -> Iterator[Example]:
    templates, number = TEMPLATES[level], 0
    for turn in count():
        # Each template is used once before any is used again.
        for template in random.Random(f"table_questions {level} {seed} {turn}").sample(templates, len(templates)):
            number += 1
            yield _example(template, level, f"table_questions-{level}-{seed}-{number:04d}")


def _example(template: Template, level: str, name: str) -> Example:
    chance = random.Random(name)
    wanted = chance.choice(["yes", "no"])
    while True:
        domain = chance.choice(DOMAINS)
        table, second = _first_table(domain, level, chance), _second_table(domain, chance)
        group = chance.choice([str(one) for one in table.column(domain.group)])
        draft = template(Material(chance, domain, table, chance.choice(domain.measures), group))
        answer = _answer(draft, {"w": table, domain.second.name: second})
        if answer is None or (isinstance(draft.kind, YesNo) and answer != wanted):
            continue
        context = write_named_table(domain.second.name, second) if level == "hard" else None
        return Example(Problem(draft.question, draft.kind, context, table=table, id=name), answer)


def _answer(draft: Draft, tables: dict[str, Table]) -> str | None:
    """Return the answer as text; None if the question has no unique one, or if it is zero."""
    rows = run_trusted_sql(tables, draft.sql).rows
    if len(rows) != 1 or rows[0][0] is None:
        return None
    value = rows[0][0]
    if isinstance(draft.kind, YesNo):
        return "yes" if value else "no"
    if isinstance(draft.kind, Choice) and value not in draft.kind.options:
        return None
    return str(value) if value else None


def _first_table(domain: Domain, level: str, chance: random.Random) -> Table:
    groups = chance.sample(domain.groups, 5 if level == "hard" else 3)
    columns: dict[str, Any] = {domain.group: lambda: chance.choice(groups)}
    for measure in domain.measures:
        columns[measure.column] = lambda measure=measure: measure.form.format(chance.choice(measure.values))
    form = chance.choice(_FORMS)
    columns[domain.date] = lambda: form.format(_FIRST_DAY + datetime.timedelta(chance.randrange(_DAYS)))
    header = chance.sample(list(columns), len(columns))
    rows = [
        [name, *[columns[column]() for column in header]]
        for name in chance.sample(domain.names, chance.choice(_ROWS[level]))
    ]
    return Table.of([[domain.one, *header], *rows], title=domain.name)


def _second_table(domain: Domain, chance: random.Random) -> Table:
    second = domain.second
    rows = [
        [group, chance.choice(second.kinds), second.measure.form.format(chance.choice(second.measure.values))]
        for group in chance.sample(domain.groups, len(domain.groups))
    ]
    return Table.of([[domain.group, second.kind[0], second.measure.column], *rows], title=second.name)
