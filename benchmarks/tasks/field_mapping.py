"""The mapping from the columns of a data set to question, answer and the other fields."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reasoning.errors import UnknownName, UsageError, nearest

_OPTIONAL = ("options", "context", "table", "corpus", "image", "id", "family", "kind")
_QUESTIONS = ("input", "prompt", "problem", "query", "text", "task", "instruction")
_ANSWERS = ("target", "label", "solution", "expected", "gold", "output", "correct", "correct_answer", "reference")
"""Names that data sets use for the question and for the answer, to suggest a mapping."""
DENOTATION = "denotation"
BY_ROW = "by_row"
_AND = re.compile(r"\s+and\s+(?=[^!=]*!=)")
_COLUMN = re.compile(r"\{([^{}]+)\}")
_LETTERED = re.compile(r"\n+options:\s*\n((?:\([A-Z]\) ?[^\n]*\n?){2,})\s*$", re.IGNORECASE)
_OPTION = re.compile(r"^\(([A-Z])\) ?(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Fields:
    """The columns of a row that hold the parts of a problem.

    A value is a column ("Answer"), a path into one ("choices.text", "answers.0"), or a text with columns
    in braces ("{Body} {Question}").

    Attributes:
        question, answer, options, context, id: the columns; empty for none.
        table: the column with a table: rows of cells, an object of columns or with `header` and `rows`, or a
            text; see `reasoning.tables_sql.forms.to_table`.
        title: the column with the table's title.
        corpus: the column with the documents in which the answer may be found; see `corpus_cells.read_corpus`.
        image: the column with a picture or a list of pictures; see `row_images.read_images`.
        family: the column that similar problems share, such as a passage or the question that they
            vary; see `Example`. It changes no result, so it is not part of a task's version.
        kind: the kind of answer of all rows: a name, or a JSON object with its parameters. "by_row" infers
            it from the answer of each row, and empty from all answers.
        scorer: "denotation" scores lists as WikiTableQuestions does; empty as the kind compares.
        index: the answer is the number of the right option, from 0.
        any_of: the answer is a list of accepted answers, also if answers of the kind are lists.
        lettered: the question ends with its options: "Options:" and lines such as "(A) red".
        where: `COLUMN != TEXT` leaves out the rows with that text in that column; several conditions are
            joined by `and`.
    """

    question: str = "question"
    answer: str = "answer"
    options: str = ""
    context: str = ""
    id: str = ""
    kind: str = ""
    index: bool = False
    any_of: bool = False
    lettered: bool = False
    where: str = ""
    family: str = field(default="", repr=False)
    corpus: str = field(default="", repr=False)
    table: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    scorer: str = field(default="", repr=False)
    image: str = field(default="", repr=False)

    @property
    def kind_name(self) -> str:
        """The name of the kind of answer, without its parameters; empty if it is inferred from all answers."""
        if self.kind == BY_ROW:
            return "by the answers"
        return str(_object(self.kind).get("kind", "")) if self.kind.startswith("{") else self.kind

    def __str__(self) -> str:
        """Return what makes a difference to results; the same for equal mappings of all versions of this library."""
        later = {name: getattr(self, name) for name in ("corpus", "table", "title", "scorer", "image")}
        return ", ".join([repr(self), *(f"{name}={value!r}" for name, value in later.items() if value)])

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Fields:
        """Return the fields of names and values; flags may be "yes" or true.

        Raises:
            UnknownName: there is no such field.
            UsageError: the value of `where` or `kind` has another form.
        """
        known = {field.name: field.type for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, value in mapping.items():
            if name not in known:
                raise UnknownName("field", name, known, "of the mapping")
            if known[name] == "bool":
                values[name] = value in (True, "yes", "true", "1")
            else:
                values[name] = json.dumps(value) if isinstance(value, Mapping) else str(value)
        for condition in _AND.split(values["where"]) if "where" in values else ():
            if not re.fullmatch(r"[^!=]*[^!=\s]\s*!=.*", condition):
                raise UsageError(f"where must be COLUMN != TEXT, got {condition!r:.80}")
        if (scorer := values.get("scorer", "")) not in ("", DENOTATION):
            raise UnknownName("scorer", scorer, [DENOTATION], "of the mapping")
        if values.get("kind", "").startswith("{"):
            _object(values["kind"])
        return cls(**values)

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Return whether `where` keeps the row."""
        conditions = [condition.partition("!=") for condition in _AND.split(self.where) if condition]
        return all(str(_look_up(row, column.strip())) != unwanted.strip() for column, _, unwanted in conditions)

    def normalize(self, row: Mapping[str, Any], answers: Sequence[str] = ()) -> dict[str, Any]:
        """Return the row with the keys `question`, `answer`, `options`, …

        Args:
            row: the row.
            answers: the standard names of the answer. If they are given, columns that the mapping does
                not name keep their standard meaning.

        Raises:
            UsageError: a column is missing.
        """
        if answers and self.answer == "answer":
            self = replace(self, answer=next((name for name in answers if name in row), "answer"))
        standard = {name: row[name] for name in _OPTIONAL if answers and not getattr(self, name) and name in row}
        line = standard | {
            name: _look_up(row, column)
            for name in (
                "question",
                "answer",
                "options",
                "context",
                "table",
                "title",
                "corpus",
                "image",
                "id",
                "family",
            )
            if (column := getattr(self, name))
        }
        if self.lettered and (match := _LETTERED.search(line["question"])):
            line["options"] = dict(_OPTION.findall(match[1]))
            line["question"] = line["question"][: match.start()]
            line["answer"] = str(line["answer"]).strip("() ")
        if self.kind:
            line["kind"] = _object(self.kind) if self.kind.startswith("{") else self.kind
        return line


def parse_mapping(text: str) -> dict[str, str]:
    """Parse a text such as "question=Body, answer=Answer".

    Commas in braces, brackets and double quotes do not separate.

    Raises:
        UsageError: a part has no "=" or no value, or a name is given twice.
    """
    mapping: dict[str, str] = {}
    for name, value in (_pair(part) for part in _parts(text) if part.strip()):
        if name in mapping:
            raise UsageError(f"the field {name!r} is mapped twice, to {mapping[name]!r} and {value!r}")
        mapping[name] = value
    return mapping


def _parts(text: str) -> Iterator[str]:
    start, depth, quoted = 0, 0, False
    for index, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += (letter in "{[") - (letter in "}]")
            if letter == "," and depth <= 0:
                yield text[start:index]
                start = index + 1
    yield text[start:]


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not value.strip():
        raise UsageError(
            f"a mapping is written as NAME=COLUMN, such as 'question=Body, answer=Answer', got {part.strip()!r}"
        )
    value = value.strip()
    return name.strip(), value[1:-1] if len(value) > 2 and value[0] == value[-1] == '"' else value


def _object(kind: str) -> Any:
    try:
        return json.loads(kind)
    except ValueError as error:
        raise UsageError(f"kind must be a JSON object, got {kind!r}: {error}") from None


def describe_columns(row: Mapping[str, Any], answers: Sequence[str]) -> str:
    """Return the part of an error that names the columns, with a mapping for those that lack a standard name."""
    has_answer = any(name in row for name in answers)
    answer = "" if has_answer else _guess(row, (*answers, *_ANSWERS), taken="")
    question = "" if "question" in row else _guess(row, ("question", *_QUESTIONS), taken=answer)
    pairs = [] if "question" in row else [f"question={question or 'COLUMN'}"]
    pairs += [] if has_answer else [f"answer={answer or 'COLUMN'}"]
    unlikely = any("?" in column or column.replace(".", "").isdecimal() for column in row)
    first = "; the first line of a table must name its columns" if unlikely else ""
    return f"; {_list_columns(row)}; name yours: --fields '{', '.join(pairs)}'{first}"


def _guess(row: Mapping[str, Any], names: Sequence[str], taken: str) -> str:
    """Return the column that most likely has the content of these names; empty if none does."""
    free = [column for column in row if column != taken.strip('"')]
    found = next((column for name in names for column in free if column.strip().casefold() == name), None)
    others = [column for column in free if column not in (*names, *_OPTIONAL, "question", "answer")]
    found = found or nearest(names[0], free) or (others[0] if len(others) == 1 else "")
    return f'"{found}"' if set(found) & set(",=") else found


def _list_columns(row: Mapping[str, Any]) -> str:
    return f"the columns are {', '.join(map(repr, row))}"[:200] if row else "the row is empty"


def _look_up(row: Mapping[str, Any], path: str) -> Any:
    if "{" in path:
        return _COLUMN.sub(lambda match: _text(_look_up(row, match[1])), path)
    value: Any = row
    for part in [path] if path in row else path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            similar = nearest(part, row)
            suggestion = f"; did you mean {similar!r}?" if similar else ""
            columns = _list_columns(row)
            raise UsageError(f"there is no column {path!r}{suggestion} ({columns})")
    return value


def _text(value: Any) -> str:
    """Return a cell as text; an empty cell of a data frame is None, and a list of texts has one in each line."""
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return "\n".join(value)
    return "" if value is None else str(value)


def option_letter(number: Any, options: Collection[Any]) -> str:
    """Return the letter of an option, given its number from 0.

    Raises:
        UsageError: it is not the number of an option.
    """
    if not options:
        raise UsageError("index=yes needs options, of which the answer is the number; map them, too")
    number = int(number) if isinstance(number, str) and number.strip().isdecimal() else number
    if not isinstance(number, int) or not 0 <= number < len(options):
        last = len(options) - 1
        raise UsageError(f"the answer must be the number of an option, from 0 to {last}, got {number!r:.40}")
    return chr(ord("A") + number)
