"""Text: a short free-form answer."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import ParseResult, Region, Rejected, abbreviate
from reasoning.kinds.phrasing import answer_instruction, is_blank, is_refusal, strip_markup
from reasoning.kinds.reply_lines import final_lines
from reasoning.kinds.statements import Statement, whole_block

# Punctuation is dropped, but kept inside and before numbers, so that 3.5 is not 35 and -5 is not 5.
_PUNCTUATION = re.compile(r"(?<=\d)[.,:/-](?=\d)|(?<!\w)-(?=\d)|([^\w\s])")
_HEAD = re.compile(r"A(?:nswer)?:\s")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


@dataclass(frozen=True)
class Text(BaseKind):
    """A free-form text: one line, or the block in a fence or triple quotes that is stated as the answer.

    Two texts are the same answer if they differ only in case, articles and punctuation. A text of
    signs only ("] ]", "->") is parsed and compared as it stands.

    Attributes:
        whole: use the whole reply, without a search for a statement; for text that is itself the
            result.

    Examples:
        >>> Text().parse("It is in France. The answer is **Paris**.")
        'Paris'
        >>> Text().score("The Eiffel Tower!", "eiffel tower")
        True
    """

    name: ClassVar[str] = "text"
    whole: bool = False

    def instruction(self) -> str:
        return "" if self.whole else answer_instruction("the answer in a few words")

    def direct_instruction(self) -> str:
        return "" if self.whole else "Reply with the answer alone, in a few words: no reasoning, no full sentence."

    def answer_schema(self) -> Mapping[str, Any] | None:
        return None if self.whole else {"type": "string"}

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the text; see `Kind.parse_reply`. With `whole`, a reply that was cut off has no answer."""
        if not self.whole:
            return super().parse_reply(text, region=region, stated_only=stated_only)
        found = visible_text(text, region).strip()
        return ParseResult(found, "whole text") if found and not stated_only else ParseResult(None, "nothing found")

    @property
    def _reads_signs(self) -> bool:
        return True

    def _findings(self, text: str, stated_only: bool) -> Iterator[tuple[str, Any]]:
        yield "block", whole_block(text) or None
        yield from super()._findings(text, stated_only)

    def _parse_located(self, statement: Statement) -> str | Rejected | None:
        return statement.block or super()._parse_located(statement)

    def parse_statement(self, text: str, *, continues: bool = False) -> str | Rejected | None:
        """Return the line without the markup around it."""
        return Rejected("a refusal") if is_refusal(text) else None if is_blank(text) else strip_markup(text) or None

    def parse_line(self, line: str, before: str) -> str | Rejected | None:
        """Return the text of a line after "A:", or the line if it is the reply's only one."""
        if head := _HEAD.match(line):
            return self.parse_statement(line[head.end() :])
        return self.parse_statement(line) if line and not before else None

    def parse_last_candidate(self, text: str) -> str | Rejected | None:
        """Return the last line."""
        line, _ = final_lines(text, literal=True)
        return self.parse_statement(line) if line else None

    def target(self, target: Any) -> str:
        """Return the text of a target; of a block its content."""
        if not isinstance(target, str) or not target.strip():
            raise UsageError(f"the target {abbreviate(target)} is not a text")
        return whole_block(target.strip()) or target

    def show(self, value: Any) -> str:
        """Return the text; in a fence if it has several lines, so that `parse` accepts it."""
        text = str(value)
        if self.whole or "\n" not in text:
            return text
        fence = "```"
        while fence in text:
            fence += "`"
        return f"{fence}\n{text}\n{fence}"

    def is_value(self, value: Any) -> bool:
        return isinstance(value, str)

    def key(self, value: Any) -> str:
        return normalize_text(str(value))

    def f1(self, value: Any, target: Any) -> float:
        """Return the word F1 of a value and the target, from 0 to 1; see `f1`.

        To score a task by it, give its examples a `scorer`, such as
        `lambda value: Text().f1(value, target) >= 0.8`.
        """
        expected = self.target(target)
        return f1(value, expected) if self.is_value(value) else 0.0


def f1(value: str, target: str) -> float:
    """Return the harmonic mean of precision and recall of the words of two normalized texts, from 0 to 1.

    A word counts as often as it occurs. Source: Rajpurkar et al. 2016, arXiv 1606.05250, §6.1.

    Examples:
        >>> f1("Eiffel Tower in Paris", "the Eiffel Tower")
        0.6666666666666666
    """
    words, target_words = normalize_text(value).split(), normalize_text(target).split()
    shared = (Counter(words) & Counter(target_words)).total()
    return 2 * shared / (len(words) + len(target_words)) if shared else 0.0


def normalize_text(text: str) -> str:
    """Return a text in one case, without articles, punctuation and extra spaces.

    This is the comparison of SQuAD, but it keeps punctuation in numbers.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = _PUNCTUATION.sub(lambda match: "" if match[1] else match[0], folded)
    return " ".join(_ARTICLES.sub(" ", bare).split()) or " ".join(folded.split())
