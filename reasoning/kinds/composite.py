"""Composite: several answers to one problem, each of its own kind."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.items import json_value_text
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.kind import Kind, ParseResult, Region, abbreviate
from reasoning.kinds.phrasing import INSTRUCTION_PREFIX
from reasoning.kinds.reply_format import object_schema
from reasoning.kinds.statements import find_statements

_MAX_CHARS = 20_000
"""The characters at a reply's end in which the answers are searched."""

_BRACES = re.compile(r"[{\[]")
_BULLET = re.compile(r"\s*+(?:[-*•]|\(?\w{1,2}[.)])\s")


@dataclass(frozen=True)
class Composite(BaseKind):
    r"""Several answers. Its value is the tuple of their values, in the order of the kinds; all must be parsed.

    The parser accepts a JSON object with the names (or a list of the same length), lines that begin
    with a name or with a letter or number ("a) 3", "(b) yes", "1. …", "age: 7"), and the same in
    one line. Without such marks it accepts one line, or one part between ";" or "|", for each kind.
    If answers are given twice, the last complete set counts.

    Attributes:
        kinds: 2 to 26 kinds, or a mapping from name to kind.
        names: the names of the answers; "a", "b", … by default.

    Raises:
        UsageError: the number of kinds or names is wrong, two names are equal, or an element is not a
            kind or is composite.

    Examples:
        >>> from reasoning.kinds import Number, YesNo
        >>> Composite({"age": Number(), "grown": YesNo()}).parse("Age: 7\nGrown: no")
        (7, False)
    """

    name: ClassVar[str] = "many"
    kinds: Sequence[Kind] | Mapping[str, Kind] = ()
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.kinds, str) or not isinstance(self.kinds, Iterable) or isinstance(self.names, str):
            raise UsageError(f"Composite needs a list of kinds, or a mapping from name to kind, got {self.kinds!r:.80}")
        kinds = list(self.kinds.values()) if isinstance(self.kinds, Mapping) else list(self.kinds)
        names = [str(name).strip() for name in (self.kinds if isinstance(self.kinds, Mapping) else self.names)]
        names = names or list(string.ascii_lowercase[: len(kinds)])
        if wrong := [kind for kind in kinds if not isinstance(kind, Kind) or isinstance(kind, Composite)]:
            raise UsageError(f"Composite needs kinds that have one answer each, got {wrong[0]!r:.80}")
        if not 2 <= len(kinds) <= 26 or len(names) != len(kinds):
            raise UsageError(
                f"Composite needs 2 to 26 kinds and a name for each, got {len(kinds)} kinds and {len(names)} names"
            )
        if not all(names) or len({name.casefold() for name in names}) < len(names):
            raise UsageError(f"Composite needs names that are all different, got {names}")
        object.__setattr__(self, "kinds", tuple(kinds))
        object.__setattr__(self, "names", tuple(names))

    def instruction(self) -> str:
        lines = (f'- one that begins with "{name})" and gives {_line_instruction(kind)}' for name, kind in self._parts)
        return "\n".join((f"End with {len(self.kinds)} lines, one for each answer:", *lines))

    def direct_instruction(self) -> str:
        lines = (f"{name}) {kind.direct_instruction()}" for name, kind in self._parts)
        return "\n".join((f"Reply with {len(self.kinds)} lines, one for each answer:", *lines))

    def reply_schema(self, *, steps: bool = False) -> Mapping[str, Any] | None:
        """Return the schema of an object with the names; None with steps, or if a kind has no schema of an answer."""
        parts = {name: kind.answer_schema() if isinstance(kind, BaseKind) else None for name, kind in self._parts}
        return None if steps or None in parts.values() else object_schema(parts)

    def structured_instruction(self, *, steps: bool = False) -> str:
        lines = (f'- "{name}": {kind.answer_words}' for name, kind in self._parts if isinstance(kind, BaseKind))
        return "\n".join(("Reply with a JSON object that has these fields, no other words:", *lines))

    def trigger(self) -> str:
        return f"Therefore, the answers ({', '.join(self.names)}) are"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse all answers; see `Kind.parse_reply`. The rule that parses most of them counts."""
        best, least = ParseResult(None, "nothing found"), len(self.kinds)
        for rule, pieces in self._splits(visible_text(text, region)[-_MAX_CHARS:], stated_only or self.stated_only):
            parsed = self._parse_pieces(pieces)
            missing = [
                f"{name}: {result.rule}"
                for name, result in zip(self.names, parsed, strict=True)
                if result.value is None
            ]
            if not missing:
                return ParseResult(tuple(result.value for result in parsed), rule)
            if len(missing) < least:
                best, least = ParseResult(None, f"not every answer: {'; '.join(missing)}"), len(missing)
        return best

    def target(self, target: Any) -> tuple[Any, ...]:
        """Return the values of a target: a list of targets, a mapping from name to target, or a text."""
        each = zip(self._parts, self._targets(target), strict=True)
        return tuple(kind.target(value) for (_, kind), value in each)

    def key(self, value: Any) -> Hashable:
        return tuple(kind.key(item) for (_, kind), item in zip(self._parts, value, strict=True))

    def score(self, value: Any, target: Any) -> bool:
        """Return whether all values are right."""
        targets = self._targets(target)
        whole = isinstance(value, tuple | list) and len(value) == len(targets)
        values = value if whole else [None] * len(targets)
        scores = [kind.score(item, right) for (_, kind), item, right in zip(self._parts, values, targets, strict=True)]
        # All scores are computed first, so that an invalid target always raises.
        return all(scores)

    def show(self, value: Any) -> str:
        return "\n".join(f"{name}) {kind.show(item)}" for (name, kind), item in zip(self._parts, value, strict=True))

    @cached_property
    def _parts(self) -> tuple[tuple[str, Kind], ...]:
        return tuple(zip(self.names, self.kinds, strict=True))  # type: ignore[arg-type]  # a tuple by now

    def _targets(self, target: Any) -> Sequence[Any]:
        """Return the target of each kind, as the data set states it."""
        if isinstance(target, str):
            splits = (pieces for _, pieces in self._splits(target, False))
            complete = (
                pieces for pieces in splits if all(result.value is not None for result in self._parse_pieces(pieces))
            )
            # The targets stay text: their digits determine how exact an answer must be.
            targets: Any = next(complete, ())
        elif isinstance(target, Mapping):
            targets = [target[name] for name in self.names if name in target]
        else:
            targets = list(target) if isinstance(target, Iterable) else ()
        if len(targets) != len(self.kinds):
            raise UsageError(
                f"the target {abbreviate(target)} does not contain the {len(self.kinds)} answers of {self!r:.200}"
            )
        return list(targets)

    def _parse_pieces(self, pieces: Sequence[str]) -> list[ParseResult]:
        return [_parse_piece(kind, piece) for (_, kind), piece in zip(self._parts, pieces, strict=True)]

    def _splits(self, text: str, stated_only: bool) -> Iterator[tuple[str, list[str]]]:
        """Yield the texts that may contain the answers, one for each kind, and the rule that finds them."""
        yield from (("JSON", pieces) for pieces in self._fields(text))
        for rule, pattern in (("marked lines", self._marks("^")), ("marks", self._marks(r"(?<![\w'’.-])"))):
            if found := _marked_texts(pattern, text, self._indexes):
                yield rule, [found.get(index, "") for index in range(len(self.kinds))]
        for statement in find_statements(text):
            for pieces in (re.split(r"[;|]", statement.text), re.split(r",\s|,?\sand\s", statement.text)):
                if len(pieces) == len(self.kinds):
                    yield "trigger", pieces
        lines = [line for line in text.rpartition(":\n")[2].split("\n") if line.strip("`*- ")]
        if len(lines) == len(self.kinds) and not stated_only:
            yield "lines", [line[mark.end() :] if (mark := _BULLET.match(line)) else line for line in lines]

    def _fields(self, text: str) -> Iterator[list[str]]:
        """Yield the values of the last JSON object with all names, or of the last list with one value for each."""
        fitting: list[list[Any]] = []
        for found in find_json(text, _BRACES):
            if isinstance(found.value, dict):
                fields = {key.casefold(): value for key, value in found.value.items()}
                fitting += [[fields[name] for name in self._indexes if name in fields][: len(self.kinds)]]
            elif isinstance(found.value, list):
                fitting += [found.value]
        for values in reversed([values for values in fitting if len(values) == len(self.kinds)][-3:]):
            yield [json.dumps(value) if isinstance(value, (dict, list)) else json_value_text(value) for value in values]

    @cached_property
    def _indexes(self) -> dict[str, int]:
        """Return the index of each name; numbers are accepted for letters."""
        indexes = {name.casefold(): index for index, name in enumerate(self.names)}
        lettered = "".join(self.names) == string.ascii_lowercase[: len(self.names)]
        return indexes | ({str(index + 1): index for index in range(len(self.names))} if lettered else {})

    def _marks(self, before: str) -> re.Pattern[str]:
        """Return the pattern of a name as a mark: "a)", "(a)", "**a.**", "Age:", "age =".

        Args:
            before: the pattern of the text before it.
        """
        names = "|".join(map(re.escape, sorted(self._indexes, key=len, reverse=True)))
        front = r"[\s*_`#>(\[\"'•-]{0,8}+" if before == "^" else r"[*_`(\[\"']{0,4}+"
        after = r"[):.=\]]{1,2}" if before == "^" else r"[):=\]]{1,2}"
        return re.compile(
            rf"{before}{front}(?P<name>{names})[*_`\"'\]]{{0,4}}\s?{after}[*_`\"']{{0,4}}(?=[\s\d]|$)",
            re.IGNORECASE | re.MULTILINE,
        )


def _marked_texts(pattern: re.Pattern[str], text: str, indexes: Mapping[str, int]) -> dict[int, str]:
    """Return the text after the last mark of each index, up to the next mark."""
    marks = list(pattern.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)] * bool(marks)
    return {
        indexes[mark["name"].casefold()]: text[mark.end() : end].strip().rstrip(",;").removesuffix(" and")
        for mark, end in zip(marks, ends, strict=True)
    }


def _parse_piece(kind: Kind, piece: str) -> ParseResult:
    """Parse the text that was found for a kind: as a statement after a trigger, else as a separate reply."""
    stated = kind.parse_reply(f"The answer is {piece}")
    if stated.rule == "trigger" or (stated.value is None and stated.rule != "nothing found"):
        return stated
    return kind.parse_reply(piece)


def _line_instruction(kind: Kind) -> str:
    """Return a kind's instruction for one line of several."""
    return kind.instruction().removeprefix(INSTRUCTION_PREFIX).removeprefix("End with ")
