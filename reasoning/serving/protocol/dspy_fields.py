"""The kind of answers that DSPy's ChatAdapter asks for and reads: fields, each below its mark `[[ ## NAME ## ]]`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from reasoning.kinds import Kind, Text
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.kind import ParseResult, Region
from reasoning.kinds.text import normalize_text

_ASKED = re.compile(r"Respond with the corresponding output fields, starting with the field (?P<fields>.{1,10000})")
_MARK = re.compile(r"\[\[ ## (\w+) ## \]\]")
_END = "completed"


@dataclass(frozen=True)
class DspyFields(Text):
    """A reply with the fields of a DSPy signature.

    Two replies are the same answer if their last fields are, so that a vote does not compare the reasoning before it.

    Attributes:
        fields: the names of the fields, in their order.
        answer_kind: the kind by which the last field is read from a reply without marks.
    """

    name: ClassVar[str] = "fields"
    whole: bool = True
    fields: tuple[str, ...] = ()
    answer_kind: Kind = field(default_factory=Text)

    @classmethod
    def find(cls, question: str, answer_kind: Kind) -> DspyFields | None:
        """Return the kind that a question asks for; None if DSPy's ChatAdapter did not write it."""
        asked = list(_ASKED.finditer(question))
        fields = _MARK.findall(asked[-1]["fields"]) if asked else []
        return cls(fields=tuple(fields[:-1]), answer_kind=answer_kind) if fields[1:] and fields[-1] == _END else None

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the fields; see `Kind.parse_reply`. A reply that was cut off must have its last mark.

        A reply without marks, such as that of a small model, gives the last field, and the field `reasoning`.
        """
        _, *parts = _MARK.split(visible_text(text, region))
        found = dict(zip(reversed(parts[::2]), map(str.strip, reversed(parts[1::2])), strict=True))
        if not parts and self.fields[:-1] in ((), ("reasoning",)):
            value, rule = self.answer_kind.parse_reply(text, region=region, stated_only=stated_only)
            if value is None:
                return ParseResult(None, rule)
            shown = {self.fields[-1]: self.answer_kind.show(value), "reasoning": visible_text(text, region).strip()}
            return ParseResult(self._layout(shown), rule)
        if missing := [name for name in self.fields if name not in found]:
            return ParseResult(None, f"the field {missing[0]} is missing")
        if stated_only and _END not in found:
            return ParseResult(None, "the reply was cut off")
        return ParseResult(self._layout(found), "trigger")

    def key(self, value: object) -> str:
        """Return the key of the last field."""
        parts = _MARK.split(str(value))
        # The last mark is that of the end.
        return normalize_text(parts[-3] if len(parts) > 3 else parts[0])

    def _layout(self, found: dict[str, str]) -> str:
        parts = (f"[[ ## {name} ## ]]\n{found[name]}\n\n" for name in self.fields)
        return f"{''.join(parts)}[[ ## {_END} ## ]]"
