"""Examples from rows with a question and an answer: the base class of tasks from files and from the hub."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from reasoning import kinds
from reasoning.benchmarks.tasks.cells import label_options, parse_options
from reasoning.benchmarks.tasks.corpus_cells import read_corpus
from reasoning.benchmarks.tasks.denotation import DenotationScorer
from reasoning.benchmarks.tasks.field_mapping import BY_ROW, DENOTATION, Fields, describe_columns, option_letter
from reasoning.benchmarks.tasks.math_scorer import MathScorer, default_scorer
from reasoning.benchmarks.tasks.row_answers import (
    abbreviate,
    check_shape,
    check_target,
    holds_several,
    infer_kind,
    is_empty,
    normalize_answer,
)
from reasoning.benchmarks.tasks.row_images import read_images
from reasoning.benchmarks.tasks.task import BY_KIND
from reasoning.errors import InputError, UsageError
from reasoning.kinds import (
    Choice,
    Expression,
    Kind,
    Spans,
    Text,
    YesNo,
)
from reasoning.problem import AnyOf, Example, Problem
from reasoning.tables_sql.forms import to_table
from reasoning.tables_sql.table import Table

Row = tuple[int, dict[str, Any]]
"""The number of a row, from 1, and its content."""

_TYPES: dict[str, tuple[type, ...]] = {
    "options": (list, tuple, dict),
    "kind": (str, dict),
    "context": (str,),
    "id": (str, int, float),
}
_WORDS: dict[type, str] = {str: "a text", int: "a number", list: "a list", dict: "an object"}
_NO_TEXT = (list, tuple, dict, bytes, type(None))
"""The types of cells that stand for no text."""
_LABELS = {"1": "yes", "0": "no"}
"""The answers that numbers stand for if the kind is yes or no."""


class RowTask(ABC):
    """A task of rows.

    A row has `question` and `answer` (or `target`); it may have `id`, `kind` ("number", "choice", …),
    `options`, `context`, `table`, `corpus`, `image` and `family`. If the columns have other names, `mapped` names them.

    The kind is inferred if it is missing: a choice if there are options; otherwise a number if all such
    answers are numbers, yes or no if all are that, a date if all are dates of one format only, else a
    text. In an answer in the format of GSM8K, the text after the last `####` counts.

    A list as the answer holds several accepted answers, any of which is right. For the kinds whose
    answers are lists it is one answer; there, a list of lists holds several.

    Raises (from `load`):
        InputError: names the row and what is missing.
    """

    answers: ClassVar[tuple[str, ...]] = ("answer", "target")
    keeps_standard: ClassVar[bool] = False
    """True if columns that a mapping does not name keep their standard meaning."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The task's name."""

    @property
    @abstractmethod
    def prefix(self) -> str:
        """The prefix of the ids of its problems."""

    @property
    @abstractmethod
    def mapped(self) -> Fields | None:
        """The columns; None if they have the standard names."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of its answers, for display."""

    @property
    def image_folder(self) -> Path | None:
        """The folder that must hold the images that rows name by a path; None if no row may."""
        return None

    @property
    def scorer(self) -> str:
        """The description of how answers are scored."""
        if self.mapped and self.mapped.scorer == DENOTATION:
            return DenotationScorer.about
        several = "; any of several accepted answers" if self.mapped and self.mapped.any_of else ""
        return f"{self._compared}{several}"

    @property
    def _compared(self) -> str:
        by_value = ", or by its value" if Expression.name in self.kind else ""
        return f"{BY_KIND}{by_value}"

    @abstractmethod
    def rows(self, limit: int, seed: int) -> Sequence[Row]:
        """Return the first rows, at least `limit` if there are enough."""

    @abstractmethod
    def location(self, number: int) -> str:
        """Return the location of a row, for display."""

    def load(self, limit: int, seed: int) -> list[Example]:
        lines = list(self._lines(self.rows(limit, seed)))
        if not lines:
            left_out = f": where={self.mapped.where} leaves out every row" if self.mapped and self.mapped.where else ""
            raise InputError(f"{self.name}: it holds no problems{left_out}")
        found = {name for _, line in lines for name, value in line.items() if not is_empty(value)}
        for number, line in lines:
            self._check(number, line, found)
        return list(self._examples(lines))[:limit]

    def _lines(self, rows: Sequence[Row]) -> Iterator[Row]:
        for number, row in rows:
            try:
                if self.mapped is None or self.mapped.keeps(row):
                    yield number, self._normalize(row)
            except UsageError as error:
                raise self._error(number, str(error)) from None

    def _normalize(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row under the standard names, with its options as a list or an object."""
        line = row
        if self.mapped is not None:
            line = self.mapped.normalize(row, self.answers if self.keeps_standard else ())
        options = line.get("options")
        if isinstance(options, str):
            options = parse_options(options) if options.strip() else None
        if isinstance(options, dict) and {"label", "text"} <= options.keys():
            options = label_options(options)
        if options is not line.get("options"):
            line = {**line, "options": options}
        if self.mapped is not None and self.mapped.index:
            line = {**line, "answer": option_letter(line.get("answer"), options or ())}
        return line

    def _check(self, number: int, line: dict[str, Any], found: Collection[str]) -> None:
        """Check the types of a row's fields, given the fields that any row has."""
        question = line.get("question")
        if is_empty(question):
            raise self._error(number, f"'question' is missing{self._describe_missing(line, ('question',), found)}")
        if not isinstance(question, str):
            raise self._error(number, f"'question' must be a text, got {abbreviate(question)}")
        # Only a stated kind can have an empty list as an answer.
        answers = [line.get(name) for name in self.answers]
        if all(is_empty(answer) and not (answer == [] and line.get("kind")) for answer in answers):
            wanted = " or ".join(map(repr, self.answers))
            raise self._error(number, f"{wanted} is missing{self._describe_missing(line, self.answers, found)}")
        for name, types in _TYPES.items():
            if not isinstance(line.get(name), (*types, type(None))):
                names = " or ".join(_WORDS[one] for one in types if one in _WORDS)
                raise self._error(number, f"{name!r} must be {names}, got {abbreviate(line[name])}")
        options = line.get("options") or ()
        for option in options.values() if isinstance(options, dict) else options:
            if isinstance(option, list | dict | None):
                raise self._error(number, f"each of 'options' must be a text or a number, got {abbreviate(option)}")

    def _describe_missing(self, line: dict[str, Any], wanted: Sequence[str], found: Collection[str]) -> str:
        """Return the part of an error that says what a row has instead of a missing field, and what to do."""
        if any(name in line for name in wanted):
            return ": it is empty"
        if any(name in found for name in wanted):
            return f"; other rows have it, this one has {', '.join(map(repr, line)) or 'nothing'}"[:200]
        return describe_columns(line, self.answers)

    def _examples(self, lines: Sequence[Row]) -> Iterator[Example]:
        unnamed = [line for _, line in lines if not line.get("kind") and not line.get("options")]
        usual = infer_kind([answer for line in unnamed for answer in self._accepted(line, Text())])
        seen: dict[str, int] = {}
        for number, line in lines:
            name = str(line["id"]) if line.get("id") not in (None, "") else f"{self.prefix}-{number:04d}"
            if name in seen:
                raise self._error(number, f"the id {name!r} is already in line {seen[name]}")
            seen[name] = number
            try:
                yield self._example(line, name, usual)
            except UsageError as error:
                raise self._error(number, str(error)) from None

    def _example(self, line: dict[str, Any], name: str, usual: Kind) -> Example:
        kind = usual
        stated = None if line.get("kind") == BY_ROW else line.get("kind")
        if stated and stated != Choice.name:
            kind = kinds.from_json(stated)
        elif line.get("options") or stated:
            kind = Choice(line.get("options") or ())
        elif line.get("kind"):
            kind = infer_kind(self._accepted(line, Text()))
        context = line.get("context") or None
        corpus = None if is_empty(line.get("corpus")) else read_corpus(line["corpus"], self.prefix)
        table = self._table(line)
        images = read_images(line.get("image"), self.image_folder)
        problem = Problem(line["question"].strip(), kind, context, table=table, id=name, corpus=corpus, images=images)
        accepted = [
            str(answer) if isinstance(kind, Text) and not isinstance(answer, _NO_TEXT) else answer
            for answer in self._accepted(line, kind)
        ]
        if isinstance(kind, YesNo):
            accepted = [_LABELS.get(str(answer), answer) for answer in accepted]
        if not accepted:
            raise UsageError("the list of accepted answers is empty")
        # Spans lie in the problem's text, which the kind has from now on.
        kind = problem.kind
        for answer in accepted:
            check_shape(answer, kind)
            check_target(answer, kind)
        if isinstance(kind, Spans):
            accepted = [kind.show(kind.target(answer)) for answer in accepted]
        target = accepted[0] if len(accepted) == 1 else AnyOf(accepted)
        family = _short_family(str(line.get("family") or ""))
        scorer: DenotationScorer | MathScorer | None = default_scorer(kind, target)
        if self.mapped is not None and self.mapped.scorer == DENOTATION:
            scorer = DenotationScorer(kind, target)
        return Example(problem, target, scorer, family)

    def _table(self, line: dict[str, Any]) -> Table | None:
        """Return the table of a line; without a mapping, a text of one line in the column `table` is something else."""
        value = line.get("table")
        is_mapped = self.mapped is not None and bool(self.mapped.table)
        if is_empty(value) or value == {} or (isinstance(value, str) and not is_mapped and "\n" not in value.strip()):
            return None
        return to_table(value, str(line.get("title") or "") if is_mapped else "")

    def _accepted(self, line: dict[str, Any], kind: Kind) -> list[Any]:
        """Return the accepted answers of a line: one, or those of a list if the kind's own answers are no lists."""
        given = [line[name] for name in self.answers if name in line]
        answer: Any = next((one for one in given if not is_empty(one)), [])
        any_of = self.mapped is not None and self.mapped.any_of
        if not isinstance(answer, list | tuple) or not (any_of or holds_several(answer, kind)):
            return [normalize_answer(answer)]
        accepted: list[Any] = []
        for one in map(normalize_answer, answer):
            if one not in accepted:
                accepted.append(one)
        return accepted

    def _error(self, number: int, message: str) -> InputError:
        return InputError(f"{self.location(number)}: {message}")


def _short_family(family: str) -> str:
    """Return a short name, since each result stores it."""
    return family if len(family) <= 40 else hashlib.sha256(family.encode("utf-8", "surrogatepass")).hexdigest()[:16]
