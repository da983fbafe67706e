"""The stated answer wins: the rules that all kinds share for finding where a reply states its answer.

After the last trigger ("The answer is", "Answer:", "####"), then in the last `\\boxed{}`, then on a final line that is
nothing but an answer, then, if that is allowed, the last candidate. What is stated but is no answer (a refusal, a range
where a number was asked for, two options where one was) ends the search: the reply has no answer, and none is made up.

Everything here looks at a bounded number of places of bounded length, so the time is linear in the text's length.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from reasoning.errors import UsageError
from reasoning.kinds.kind import Reading, Region

LINE = 2_000
"""Characters of a line that are looked at."""

TAIL = 4_000
"""Characters at the end of a text in which a last candidate is sought."""

_PLACES = 200
"""How many words that may be triggers, and how many boxes, are looked at, from the last one back."""

_WORD = re.compile(r"(?<![#\w])(?:answer|option|choice|####(?!#))", re.IGNORECASE)  # what every trigger has
_PICKED = re.compile(r"\b(?:correct|right|best|final) $", re.IGNORECASE)  # the correct option is
_HEAD = re.compile(r"[#*_> ]{0,8}(?:the )?(?:final |correct )?", re.IGNORECASE)  # what stands before it in a heading
_HEADING = re.compile(r"answer[*_ ]{0,6}(?=\n)", re.IGNORECASE)
_TRIGGER = re.compile(
    r"""
    (?: answers?(?:\ (?:choice|option|letter|value))? | option | choice )
    ["'*_`)\]}]{0,4}                                   # **Answer**:   {"answer": …
    (?:\ ?\([^()\n]{0,80}\))?                          # the answer (arabic numerals) is
    (?:\ (?:to|of|for|in|as)\ [^\n.?!:=]{1,60}?)?      # the answer to the question is
    (?: \ ?[:=：]
      | \ [*_]{0,2}(?P<verb>is|are|was|equals|(?:would|should|must|will)\ be)(?P<negated>n['’]t)?(?![\w'’])
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BOX = re.compile(r"\\f?boxed\s{0,4}\{")
_MARKS = "*_`\"'“”‘’$"
_CLOSING = re.compile(rf"(?:(?<=\S)[{_MARKS}]+\s*)?(?:\.\s*)?(?:(?<=\S)[{_MARKS}]+\s*)?$")  # none after a space: 2 *
_LEAD = " \t*_`\"'“”‘’:>"
_BARE = re.compile(r"[\s*_`#$>\-=\\\[\]().:]*|```\w*")  # a line that only opens or closes something
_BULLET = re.compile(r"^\s*[-*•]\s+")
_REFUSAL = re.compile(
    r"""\b(?:
      i\ (?:do\ not|don't|cannot|can't|am\ (?:un|not\ )able\ to)\ (?:know|answer|determine|say|tell|solve|help|provide)
    | i(?:'m|\ am)\ (?:not\ sure|unsure|unable|sorry)
    | (?:cannot|can't|can\ not|could\ not|couldn't|impossible\ to|not\ possible\ to|unable\ to)\ (?:be\ )?
      (?:determine|answer|know|calculate|solve|say|tell|compute|infer|find|found)\w*
    | (?:not\ (?:enough|sufficient)|insufficient)\ (?:information|data|context|info)
    | (?:unknown|undetermined|indeterminate|no\ answer|n/a)(?=[\s.!"'*]*$)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_MISSING = re.compile(
    r"\b(?:not|isn't) (?:given|specified|provided|stated|known|clear|determined|available)\b|\bno (?:\w+ )?answer\b",
    re.I,
)
_NOT = re.compile(r"(?:(?:is|are)\s)?not\b", re.IGNORECASE)
_BUT = re.compile(r"\bbut\b(?:\s(?:rather|instead))?", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?](?=[\"'”’*_)\]]{0,4}(?:\s+[^\s\da-z$€£-]|\s*$))")


@dataclass(frozen=True)
class Unusable:
    """Something stated where the answer should be that is no answer of the kind; `why` is shown in the trace."""

    why: str


class Statement(NamedTuple):
    """What follows a trigger, to the end of the line, or the next line that holds something.

    Attributes:
        text: what was stated; empty where nothing follows.
        mark: whether the trigger is GSM8K's "####", which is only one in front of a bare answer (else it is a heading).
        negated: whether the trigger says that this is not the answer ("isn't").
        heads: whether it may be the head of a longer text: after "Answer:", more lines follow.
        at: where it begins.
    """

    text: str
    mark: bool
    negated: bool
    heads: bool
    at: int


class Stated:
    """What the kinds share. A kind says what it finds in a statement, on a line, and in a whole text.

    The hooks return a value, None for nothing, or Unusable for something that ends the search.
    """

    name: ClassVar[str]

    def instruction(self) -> str:
        raise NotImplementedError

    def direct(self) -> str:
        return "Reply with the answer alone: no reasoning, no other words."

    def trigger(self) -> str:
        return "Therefore, the answer is"

    def statement(self, text: str, *, heads: bool = False) -> Any | Unusable | None:
        """Hook: the answer in `text`, which follows a trigger (or fills a box) and is at most a line; see Statement."""
        return self.only(text, "")

    def only(self, line: str, before: str) -> Any | Unusable | None:
        """Hook: the answer if the line is nothing but an answer. `before` is the line in front of it, or empty."""
        return None

    def last(self, text: str) -> Any | Unusable | None:
        """Hook: the last candidate in a text."""
        return None

    def read(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Reading:
        """Read the answer that a text states; see `Kind.read`."""
        for how, found in self._findings(visible(text, region), stated_only):
            if isinstance(found, Unusable):
                return Reading(None, found.why)
            if found is not None:
                return Reading(found, how)
        return Reading(None, "nothing found")

    def _findings(self, text: str, stated_only: bool) -> Iterator[tuple[str, Any]]:
        for said in statements(text):
            if not said.text:  # nothing follows: the statement was cut off, and an earlier one may have been taken back
                break
            if said.negated:
                yield "trigger", Unusable("a negation")
            yield "trigger", self._said(said)
        if (box := boxed(text)) is not None:
            yield "box", self.statement(box)
        line, before = final_lines(text)
        yield "final line", self.only(line, before)
        if not stated_only:
            if _begins(_REFUSAL, re.split(r"[.!?]\s+", line)[-1]):
                yield "final line", Unusable("a refusal")
            yield "last candidate", self.last(text[-TAIL:])

    def _said(self, said: Statement) -> Any | Unusable | None:
        if said.mark:
            return self.only(said.text, "")
        box = boxed(said.text)
        return self.statement(said.text, heads=said.heads) if box is None else self.statement(box)

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Any | None:
        """The value that `read` finds, or None."""
        return self.read(text, region=region, stated_only=stated_only).value

    def complaint(self, text: str) -> str | None:
        """Why the text cannot be read, in words that a model can act on; None where it can."""
        reading = self.read(text)
        return None if reading.value is not None else f"No answer could be read ({reading.how}). {self.instruction()}"

    def target(self, target: Any) -> Any:
        """The value that a target stands for. Raises UsageError where it is not of this kind."""
        value = self.parse(target) if isinstance(target, str) else target
        if value is None:
            raise UsageError(f"the target {target!r:.80} is not a {self.name}")
        return value

    def key(self, value: Any) -> Hashable:
        """What is equal for values that are one answer."""
        raise NotImplementedError

    def same(self, a: Any, b: Any) -> bool:
        """Whether two values are one answer."""
        return self.key(a) == self.key(b)

    def score(self, value: Any, target: Any) -> bool:
        """Whether a value is right."""
        return value is not None and self.same(value, self.target(target))

    def show(self, value: Any) -> str:
        """The value as text, from which `parse` reads it again."""
        return str(value)


def visible(text: str, region: Region | None) -> str:
    """What of a reply counts: nothing inside `<think>`, and only what lies in the region."""
    text = text.rpartition("</think>")[2].partition("<think>")[0]
    return region.cut(text) if region else text


def statements(text: str) -> Iterator[Statement]:
    """What follows each trigger, the last one first; each ends where a later trigger begins."""
    end = len(text)
    for word in reversed(deque(_WORD.finditer(text), maxlen=_PLACES)):
        if (trigger := _trigger(text, word)) is None:
            continue
        at = trigger.end()
        line, *below = text[at : min(end, at + LINE)].split("\n", 5)[:5]
        if _BARE.fullmatch(line):
            line = next((_BULLET.sub("", line, count=1) for line in below if not _BARE.fullmatch(line)), "")
        said, mark, end = line.strip().lstrip(_LEAD), trigger is word, word.start()
        groups = {} if trigger.re is not _TRIGGER else trigger.groupdict()
        heads = not mark and not groups.get("verb") and re.search(r"\n\s*\w", text[at : at + LINE].strip()) is not None
        yield Statement(said, mark, groups.get("negated") is not None, heads, at)


def _trigger(text: str, word: re.Match[str]) -> re.Match[str] | None:
    """The trigger to which a word belongs; None where the word is just a word."""
    if word[0].startswith("#"):
        return word
    before = text[max(0, word.start() - 40) : word.start()]
    if word[0][0] not in "aA" and not _PICKED.search(before):
        return None
    if found := _TRIGGER.match(text, word.start()):
        return found
    at_line = "\n" in before or word.start() == len(before)
    return _HEADING.match(text, word.start()) if at_line and _HEAD.fullmatch(before.rpartition("\n")[2]) else None


def boxed(text: str) -> str | None:
    """What stands in the last `\\boxed{}` whose braces match, or None."""
    for match in reversed(deque(_BOX.finditer(text), maxlen=_PLACES)):
        depth, skip = 1, False
        for at in range(match.end(), min(len(text), match.end() + LINE)):
            character = text[at]
            if not skip and character in "{}":
                depth += 1 if character == "{" else -1
                if depth == 0:
                    return text[match.end() : at].strip()
            skip = character == "\\" and not skip
    return None


def final_lines(text: str) -> tuple[str, str]:
    """The last line that holds something and the one in front of it; empty where there is none, or it is very long."""
    found: list[str] = []
    end = len(text.rstrip())
    for _ in range(12):  # a few bare lines may follow: a closing fence, `$$`
        start = text.rfind("\n", 0, end) + 1
        line = text[start : min(end, start + LINE + 1)]
        if not _BARE.fullmatch(line):
            found.append("" if len(line) > LINE else line.strip())
        if len(found) == 2 or start == 0:
            break
        end = start - 1
    return (*found, "", "")[0], (*found, "", "")[1]


def refused(text: str) -> bool:
    """Whether a statement begins by saying that there is no answer."""
    return _begins(_REFUSAL, text) or _begins(_MISSING, text)


def meant(text: str) -> str | Unusable:
    """A statement without what it denies: "not 5 but 7" means 7, "not 5" alone means nothing."""
    if not _NOT.match(text):
        return text
    but = _BUT.search(text)
    return text[but.end() :].strip() if but else Unusable("a negation")


def sentence(text: str) -> str:
    """The first sentence. A point in front of a digit, a price or a small letter ends none ("Rs. 500", "approx. 5")."""
    match = _SENTENCE.search(text)
    return text[: match.end()] if match else text


def unmarked(text: str) -> str:
    """A short text without the Markdown, quotes, math marks and full stop around it."""
    text = text.strip().lstrip("#>").lstrip(_MARKS + " \t")
    text = _CLOSING.sub("", text)
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]"), (r"\text{", "}")):
        if text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)].strip()
    return _CLOSING.sub("", text.lstrip(_MARKS + " \t"))


def _begins(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a sentence begins with the pattern, a few words in front of it allowed."""
    text = text.replace("’", "'")
    match = pattern.search(text)
    return match is not None and re.fullmatch(r"[A-Za-z', ]{0,40}", text[: match.start()]) is not None
