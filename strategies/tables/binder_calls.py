"""Binder programs: SQL with calls of a model, `QA("map@question"; columns)` and `QA("ans@question"; query)`.

Source: Cheng et al. 2022, arXiv 2210.02875, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reasoning.errors import ReasoningError
from reasoning.strategies.tables.sql_text import MAX_CHARS, SQLToken, tokens

_MAX_DEPTH = 50
"""The maximum depth of parentheses."""
_TYPESET = str.maketrans("“”„", '"""')


class ProgramError(ReasoningError):
    """A program that cannot be run; the message says why."""


@dataclass(frozen=True)
class QACall:
    """A call of the model within a program.

    Attributes:
        kind: "map" asks the question about each row and gives a column; "ans" asks it about a query's
            rows and gives a value or several.
        question: the question.
        argument: the columns or the query: texts, and the calls within it.
    """

    kind: Literal["map", "ans"]
    question: str
    argument: tuple[str | QACall, ...]


Part = str | QACall
"""A part of a program: text, or a call."""


def parse_program(program: str) -> tuple[Part, ...]:
    """Parse a program into texts and calls; calls within an argument are parts of that argument.

    Parentheses are matched, those in questions and other quoted texts excluded. The separator behind
    the question may be a semicolon or a comma. A question without "map@" or "ans@" is asked about a
    query if its argument is one, else about each row.

    Raises:
        ProgramError: a parenthesis is not closed, a question is not in double quotes or contains
            some, or a call lacks its argument.

    Examples:
        >>> parse_program('SELECT COUNT(*) FROM w WHERE QA("map@is it a port?"; town) = \\'yes\\'')[1]
        QACall(kind='map', question='is it a port?', argument=('town',))
    """
    if len(program) > MAX_CHARS:
        raise ProgramError(f"the program has more than {MAX_CHARS:,} characters")
    frames = [_Frame()]
    for token in tokens(program.translate(_TYPESET)):
        if token.kind == "comment":
            continue
        if token.source == "(":
            is_call = frames[-1].drop_name()
            frames.append(_Frame(is_call))
            if len(frames) > _MAX_DEPTH:
                raise ProgramError(f"its parentheses are nested deeper than {_MAX_DEPTH} levels")
        elif token.source == ")":
            if len(frames) == 1:
                raise ProgramError("a parenthesis is closed that was not opened")
            closed = frames.pop()
            frames[-1].parts += [closed.to_call()] if closed.is_call else ["(", *closed.parts, ")"]
        else:
            frames[-1].parts.append(token)
    if len(frames) > 1:
        raise ProgramError("a parenthesis is not closed")
    return _joined(frames[0].parts)


def calls_of(parts: Sequence[Part]) -> Iterator[QACall]:
    """Yield the calls of a program in the order in which they are made: those of an argument before its own call."""
    for part in parts:
        if isinstance(part, QACall):
            yield from calls_of(part.argument)
            yield part


def is_query(text: str) -> bool:
    """Return whether the argument of a call is a query and not columns."""
    words = text.lstrip("( \n\t").split(maxsplit=1)
    return bool(words) and words[0].casefold() in ("select", "with", "values")


@dataclass
class _Frame:
    """The text within a pair of parentheses, as far as it is read."""

    is_call: bool = False
    parts: list[SQLToken | Part] = field(default_factory=list)

    def drop_name(self) -> bool:
        """Remove the name QA before an opening parenthesis; return whether it was there."""
        at = len(self.parts)
        while at and isinstance(part := self.parts[at - 1], SQLToken) and part.kind == "space":
            at -= 1
        name = self.parts[at - 1] if at else None
        if not isinstance(name, SQLToken) or name.kind != "word" or name.source.casefold() != "qa":
            return False
        del self.parts[at - 1 :]
        return True

    def to_call(self) -> QACall:
        parts = list(self.parts)
        while parts and isinstance(parts[0], SQLToken) and parts[0].kind == "space":
            del parts[0]
        question = parts[0] if parts else None
        if not isinstance(question, SQLToken) or question.kind not in ("double", "text"):
            raise ProgramError('QA must begin with its question in double quotes: QA("map@question"; column)')
        rest = parts[1:]
        while rest and isinstance(rest[0], SQLToken) and rest[0].kind == "space":
            del rest[0]
        if not rest or not isinstance(rest[0], SQLToken) or rest[0].source not in (";", ","):
            raise ProgramError(
                f"QA({question.source[:80]}…: the question must have no quotes inside, with ; and a column or a query "
                "behind it"
            )
        argument = _joined(rest[1:])
        if not any(isinstance(part, QACall) or part.strip() for part in argument):
            raise ProgramError(f"QA({question.source[:80]}; …) has no column or query")
        kind, _, text = question.content.partition("@")
        if kind.strip().casefold() not in ("map", "ans"):
            first = next((part for part in argument if isinstance(part, str) and part.strip()), "")
            kind, text = ("ans" if is_query(first) else "map"), question.content
        if not text.strip() or '"' in text:
            raise ProgramError(f"QA({question.source[:80]}…: the question must be a text without quotes inside")
        return QACall("map" if kind.strip().casefold() == "map" else "ans", " ".join(text.split()), argument)


def _joined(parts: Sequence[SQLToken | Part]) -> tuple[Part, ...]:
    """Return parts with neighbouring texts joined, and without spaces around."""
    joined: list[Part] = []
    for part in parts:
        text = part.source if isinstance(part, SQLToken) else part
        if isinstance(text, str) and joined and isinstance(last := joined[-1], str):
            joined[-1] = last + text
        else:
            joined.append(text)
    if joined and isinstance(joined[0], str):
        joined[0] = joined[0].lstrip()
    if joined and isinstance(joined[-1], str):
        joined[-1] = joined[-1].rstrip()
    return tuple(part for part in joined if part)
