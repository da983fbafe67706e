"""Many: several answers to one problem, each of its own kind."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_locations import find_statements, visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.items import json_value_text
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.kind import Kind, ParseResult, Region
from reasoning.kinds.phrasing import INSTRUCTION_PREFIX

_LONGEST = 20_000  # characters of a reply's end in which the answers are sought
_BRACES = re.compile(r"[{\[]")
_BULLET = re.compile(r"\s*+(?:[-*•]|\(?\w{1,2}[.)])\s")


@dataclass(frozen=True)
class Composite(BaseKind):
    """Several answers. Its value is the tuple of their values, in the order of the kinds; all must be read.

    Read are a JSON object with the names (or a list with as many values), lines that begin with a name or with a letter
    or number ("a) 3", "(b) yes", "1. …", "age: 7"), the same in one line, and, if nothing is marked, as many lines, or
    as many parts between ";" or "|", as there are kinds. Where an answer is given twice, the last complete row of
    them counts.

    Attributes:
        kinds: the kinds, or a mapping from name to kind.
        names: what the answers are called; "a", "b", … by default.
    """

    name: ClassVar[str] = "many"
    kinds: Sequence[Kind] | Mapping[str, Kind] = ()
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.kinds, str) or not isinstance(self.kinds, Iterable) or isinstance(self.names, str):
            raise UsageError(f"Composite wants a list of kinds, or a mapping from name to kind; got {self.kinds!r:.80}")
        given = list(self.kinds.values()) if isinstance(self.kinds, Mapping) else list(self.kinds)
        names = [str(name).strip() for name in (self.kinds if isinstance(self.kinds, Mapping) else self.names)]
        names = names or list(string.ascii_lowercase[: len(given)])
        if wrong := [kind for kind in given if not isinstance(kind, Kind) or isinstance(kind, Composite)]:
            raise UsageError(f"Composite({wrong[0]!r:.80}): that is no kind, or has several answers itself")
        if not 2 <= len(given) <= 26 or len(names) != len(given):
            raise UsageError(
                f"Composite wants 2 to 26 kinds and a name for each; got {len(given)} and {len(names)} names"
            )
        if not all(names) or len({name.casefold() for name in names}) < len(names):
            raise UsageError(f"Composite wants names that are all different; got {names}")
        object.__setattr__(self, "kinds", tuple(given))
        object.__setattr__(self, "names", tuple(names))

    def instruction(self) -> str:
        lines = (f'- one that begins with "{name})" and gives {_asked(kind)}' for name, kind in self._parts)
        return "\n".join((f"End with {len(self.kinds)} lines, one for each answer:", *lines))

    def direct_instruction(self) -> str:
        lines = (f"{name}) {kind.direct_instruction()}" for name, kind in self._parts)
        return "\n".join((f"Reply with {len(self.kinds)} lines, one for each answer:", *lines))

    def trigger(self) -> str:
        return f"Therefore, the answers ({', '.join(self.names)}) are"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Read all answers; see `Kind.read`. The way that reads most of them counts."""
        best, least = ParseResult(None, "nothing found"), len(self.kinds)
        for how, pieces in self._ways(visible_text(text, region)[-_LONGEST:], stated_only or self.stated_only):
            read = self._readings(pieces)
            missing = [f"{name}: {one.rule}" for name, one in zip(self.names, read, strict=True) if one.value is None]
            if not missing:
                return ParseResult(tuple(one.value for one in read), how)
            if len(missing) < least:
                best, least = ParseResult(None, f"not every answer: {'; '.join(missing)}"), len(missing)
        return best

    def target(self, target: Any) -> tuple[Any, ...]:
        """The values that a target stands for: a list or a mapping by name of targets of the kinds, or a text."""
        each = zip(self._parts, self._targets(target), strict=True)
        return tuple(kind.target(one) for (_, kind), one in each)

    def key(self, value: Any) -> Hashable:
        return tuple(kind.key(one) for (_, kind), one in zip(self._parts, value, strict=True))

    def score(self, value: Any, target: Any) -> bool:
        """Whether all values are right."""
        wanted = self._targets(target)
        if value is None:
            return False
        scores = [kind.score(one, right) for (_, kind), one, right in zip(self._parts, value, wanted, strict=True)]
        return all(scores)  # of a list, so that a target that makes no sense is never just wrong

    def show(self, value: Any) -> str:
        return "\n".join(f"{name}) {kind.show(one)}" for (name, kind), one in zip(self._parts, value, strict=True))

    @cached_property
    def _parts(self) -> tuple[tuple[str, Kind], ...]:
        return tuple(zip(self.names, self.kinds, strict=True))  # type: ignore[arg-type]  # a tuple by now

    def _targets(self, target: Any) -> Sequence[Any]:
        """The target of each kind, as the data set has it."""
        if isinstance(target, str):
            ways = (pieces for _, pieces in self._ways(target, False))
            whole = (pieces for pieces in ways if all(one.value is not None for one in self._readings(pieces)))
            found: Any = next(whole, ())  # as text: its digits say how exact an answer must be
        elif isinstance(target, Mapping):
            found = [target[name] for name in self.names if name in target]
        else:
            found = list(target) if isinstance(target, Iterable) else ()
        if len(found) != len(self.kinds):
            raise UsageError(f"the target {target!r:.80} does not hold the {len(self.kinds)} answers of {self!r:.200}")
        return list(found)

    def _readings(self, pieces: Sequence[str]) -> list[ParseResult]:
        return [_read(kind, piece) for (_, kind), piece in zip(self._parts, pieces, strict=True)]

    def _ways(self, text: str, stated_only: bool) -> Iterator[tuple[str, list[str]]]:
        """The texts in which the answers may stand, one for each kind, by the name of the rule that finds them."""
        yield from (("JSON", pieces) for pieces in self._fields(text))
        for how, pattern in (("marked lines", self._marks("^")), ("marks", self._marks(r"(?<![\w'’.-])"))):
            if found := _behind(pattern, text, self._places):
                yield how, [found.get(place, "") for place in range(len(self.kinds))]
        for said in find_statements(text):
            for pieces in (re.split(r"[;|]", said.text), re.split(r",\s|,?\sand\s", said.text)):
                if len(pieces) == len(self.kinds):
                    yield "trigger", pieces
        lines = [line for line in text.rpartition(":\n")[2].split("\n") if line.strip("`*- ")]
        if len(lines) == len(self.kinds) and not stated_only:
            yield "lines", [line[mark.end() :] if (mark := _BULLET.match(line)) else line for line in lines]

    def _fields(self, text: str) -> Iterator[list[str]]:
        """The values of the last JSON object with all the names, or of the last list with as many values."""
        fitting: list[list[Any]] = []
        for found in find_json(text, _BRACES):
            if isinstance(found.value, dict):
                fields = {key.casefold(): value for key, value in found.value.items()}
                fitting += [[fields[name] for name in self._places if name in fields][: len(self.kinds)]]
            elif isinstance(found.value, list):
                fitting += [found.value]
        for values in reversed([values for values in fitting if len(values) == len(self.kinds)][-3:]):
            yield [json.dumps(one) if isinstance(one, (dict, list)) else json_value_text(one) for one in values]

    @cached_property
    def _places(self) -> dict[str, int]:
        """The place of each name; letters may be numbers as well."""
        places = {name.casefold(): place for place, name in enumerate(self.names)}
        lettered = "".join(self.names) == string.ascii_lowercase[: len(self.names)]
        return places | ({str(place + 1): place for place in range(len(self.names))} if lettered else {})

    def _marks(self, before: str) -> re.Pattern[str]:
        """A name as a mark: "a)", "(a)", "**a.**", "Age:", "age =". `before` says where it may stand."""
        names = "|".join(map(re.escape, sorted(self._places, key=len, reverse=True)))
        front = r"[\s*_`#>(\[\"'•-]{0,8}+" if before == "^" else r"[*_`(\[\"']{0,4}+"
        behind = r"[):.=\]]{1,2}" if before == "^" else r"[):=\]]{1,2}"
        return re.compile(
            rf"{before}{front}(?P<name>{names})[*_`\"'\]]{{0,4}}\s?{behind}[*_`\"']{{0,4}}(?=[\s\d]|$)",
            re.IGNORECASE | re.MULTILINE,
        )


def _behind(pattern: re.Pattern[str], text: str, places: Mapping[str, int]) -> dict[int, str]:
    """What follows the last mark of each place, up to the next mark."""
    marks = list(pattern.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)] * bool(marks)
    return {
        places[mark["name"].casefold()]: text[mark.end() : end].strip().rstrip(",;").removesuffix(" and")
        for mark, end in zip(marks, ends, strict=True)
    }


def _read(kind: Kind, piece: str) -> ParseResult:
    """What a kind reads in the text that was found for it: as what follows a trigger, else as a reply of its own."""
    stated = kind.parse_reply(f"The answer is {piece}")
    if stated.rule == "trigger" or (stated.value is None and stated.rule != "nothing found"):
        return stated
    return kind.parse_reply(piece)


def _asked(kind: Kind) -> str:
    """What is to stand on a line of several."""
    return kind.instruction().removeprefix(INSTRUCTION_PREFIX).removeprefix("End with ")
