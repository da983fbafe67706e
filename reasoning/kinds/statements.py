"""The statements of a reply: the text after each trigger, such as "the answer is"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import dropwhile, takewhile
from typing import NamedTuple

from reasoning.kinds.json_fields import read_field
from reasoning.kinds.reply_lines import BARE_LINE, FRAME_LINE, MAX_LINE_CHARS, OPENING_SIGN
from reasoning.kinds.triggers import MAX_PLACES, find_words, match_trigger, to_lower

# The text before the word in "I don't think the answer is 5".
_DOUBTED = re.compile(r"(?:\bnot|n['’]t) (?:think|believe|say|mean|claim|conclude) (?:that )?(?:the|my|its) (?:\w+ )?$")
# The text before the word in a sentence that concludes.
_CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|accordingly|overall|ultimately|in (?:conclusion|summary|short)"
    r"|to conclude|in the end)\b[^.!?\n]{0,80}$|\b(?:final|correct|right|best) $",
    re.IGNORECASE,
)
# A few words that give an answer, rather than describe one: not "supported by the text".
_SHORT = re.compile(
    r"(?!(?:(?!mixed)\w+ed|given|found|shown|known|chosen|correct|right|wrong|clear|obvious|consistent|also|because|due|in|on|at|as|up"
    r"|there|here|more|most|the (?:same|most|best|only|one))\b)\S+(?: \S+){0,4}\s*",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:this|that|each|any|every|another|whose|what the"
    r"|(?:opinion|claim|idea|view|notion|assumption) that the) $",
    re.IGNORECASE,
)
_LEAD = " \t*_`\"'“”‘’:"
_BLOCK = re.compile(
    r"[*_:\s]{0,8}(?:(?P<fence>`{3,}|~{3,})[^`\n]{0,40}\n(?P<code>(?:[^\n]*\n)*?)[ \t]*(?P=fence)"
    r"|(?P<quote>\"{3}|'{3})(?P<text>.*?)(?P=quote))",
    re.DOTALL,
)
_MAX_BLOCK_CHARS = 8_000
"""The characters of a block that are examined."""
_BULLET = re.compile(r"^\s*[-*•>]\s+")
_MORE = re.compile(r"\n\s*[(*]{0,3}\w|[,;]\s(?:so|then|thus|hence|therefore)\b")
_LISTS = re.compile(r"\s*\**\(?[1Aa][.):]\)?\s+\S[^\n]*\n(?:[^\n]*\n){0,8}?\s*\**\(?[2Bb][.):]\)?\s")
_DERIVES = re.compile(
    r"[\s:*_]*+[^\n=]{0,200}=[^\n]*+\n\s*+(?!(?:check|note|proof|explanation|verif|where|because)\w*)[^\n=]{0,60}=[^\n]*\d",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"[\s*_,]*(?:therefore|thus|hence|then|simply|as follows|the following|given by|below)?[\s*_]*:?[\s*_]*"
)
_TAGGED = re.compile(r"[<\[]/(?:\w{1,12}[_ ])?answer", re.IGNORECASE)


class Statement(NamedTuple):
    """The text after a trigger, to the end of the line, or else the next line that is not empty.

    Attributes:
        text: the stated text; empty if nothing follows the trigger.
        form: the form of the trigger: "verb" (the answer is), "colon" (Answer:), "heading", "tag"
            (<answer>), "key" (of JSON), "conclusion" (Conclusion:), or "mark", GSM8K's "####", which
            is a trigger only in front of a bare answer and a heading otherwise.
        negated: whether the trigger says that this is not the answer ("isn't").
        continues: whether it may be the beginning of a longer text: more follows after "Answer:".
        starts_list: whether it is the first item of a numbered list.
        start: the position at which it begins.
        trigger: the position of the word of the trigger.
        derives: whether it is the first of several equations below each other.
        list_lines: the lines of the list that begins below a trigger, if it has several.
        block: the content of the fenced or triple-quoted block after the trigger, if it has several
            lines; otherwise empty.
    """

    text: str
    form: str
    negated: bool
    continues: bool
    starts_list: bool
    start: int
    trigger: int = 0
    derives: bool = False
    block: str = ""
    list_lines: tuple[str, ...] = ()

    @property
    def is_hash_mark(self) -> bool:
        """Return whether the trigger is "####"."""
        return self.form == "mark"


def find_statements(text: str, *, literal: bool = False, conclusions: bool = False) -> Iterator[Statement]:
    """Yield the statement after each trigger, the last one first; each ends where a later trigger begins.

    Args:
        text: the text.
        literal: whether signs without words ("] ]", "->") and whole blocks are statements too.
        conclusions: whether "Conclusion:" and "Verdict:" are triggers too.
    """
    end, lower = len(text), to_lower(text)
    words: list[int] = []
    for found in find_words(text, lower, conclusions):
        words += [word.start() for word in found][-MAX_PLACES:]
    words.sort(reverse=True)
    for word in words[:MAX_PLACES]:
        if (trigger := match_trigger(lower, word)) is None:
            continue
        form, at, negated = trigger
        negated = negated or _is_doubted(lower, word)
        rest = text[at : min(end, at + MAX_LINE_CHARS)]
        if form == "key":
            text_behind = read_field(rest, 0)
        else:
            rest = _TAGGED.split(rest, maxsplit=1)[0] if form == "tag" else rest
            text_behind = _stated_line(rest, literal).strip().lstrip(_LEAD)
        continues = form in ("colon", "heading") and _MORE.search(text[at : at + MAX_LINE_CHARS].strip()) is not None
        starts_list = continues and _LISTS.match(text, at, at + MAX_LINE_CHARS) is not None
        derives = "=" in text_behind and _DERIVES.match(text, at, at + MAX_LINE_CHARS) is not None
        block = _block(text, at, end) if literal else ""
        lines = _list_lines(text, at) if form in ("colon", "verb", "heading") else ()
        yield Statement(text_behind or block, form, negated, continues, starts_list, at, word, derives, block, lines)
        end = word


def concludes(text: str, statement: Statement) -> bool:
    """Return whether a statement gives the answer, of whatever kind, and does not only say something about it.

    It does after "therefore", or in a few words ("The answer is purple."), or after "Answer:" with
    nothing below.
    """
    if statement.form in ("verb", "conclusion"):
        start = max(0, statement.trigger - 100)
        return _CONCLUDES.search(text, start, statement.trigger) is not None or (
            statement.form == "verb"
            and _SHORT.fullmatch(statement.text) is not None
            and _POINTS.search(text, start, statement.trigger) is None
        )
    return not statement.continues and not statement.is_hash_mark


def _is_doubted(lower: str, word: int) -> bool:
    """Return whether the sentence of a trigger's word doubts what it states: "I don't think the answer is 5"."""
    start = max(0, word - 60)
    # Finding a text is far quicker than searching for a pattern.
    has_not = any(lower.find(negation, start, word) >= 0 for negation in ("not ", "n't ", "n’t "))
    # The pattern sees the text before the start, where a word may begin.
    return has_not and _DOUBTED.search(lower, start, word) is not None


def _stated_line(rest: str, literal: bool) -> str:
    """Return the line after a trigger; if it contains only markup, the next one that does not."""
    first, _, below = rest.partition("\n")
    line = first.strip()
    if not BARE_LINE.fullmatch(line) and not _AHEAD.fullmatch(line):
        return line
    lines = [line.strip() for line in below.split("\n", 4)[:4]]
    worded = next((_BULLET.sub("", line, count=1) for line in lines if not BARE_LINE.fullmatch(line)), "")
    signs = (line for line in (line, *lines) if not FRAME_LINE.fullmatch(line) and not _AHEAD.fullmatch(line))
    if literal and (first := next(signs, "")) and BARE_LINE.fullmatch(first):
        return worded if worded and OPENING_SIGN.fullmatch(first) else first
    return worded


def _list_lines(text: str, start: int) -> tuple[str, ...]:
    """Return the lines of the list that begins below a position; none if fewer than two follow each other."""
    end = text.find("\n", start, start + MAX_LINE_CHARS)
    if end < 0 or not (BARE_LINE.fullmatch(text, start, end) or _AHEAD.fullmatch(text, start, end)):
        return ()
    below = text[end : start + MAX_LINE_CHARS].split("\n")
    listed = takewhile(str.strip, dropwhile(lambda line: not line.strip(), below))
    lines = tuple(_BULLET.sub("", line, count=1).strip() for line in listed)
    return lines if len(lines) > 1 else ()


def _block(text: str, start: int, end: int) -> str:
    """Return the content of the block at a position if it has several lines; otherwise an empty text."""
    found = _BLOCK.match(text, start, min(end, start + _MAX_BLOCK_CHARS))
    content = (found["code"] or found["text"] or "").strip("\n").rstrip() if found else ""
    return content if "\n" in content else ""


def whole_block(text: str) -> str:
    """Return the content of the block that is the whole text, if it has several lines; otherwise an empty text."""
    found = _BLOCK.match(text, 0, _MAX_BLOCK_CHARS)
    return _block(text, 0, len(text)) if found and not text[found.end() :].strip() else ""
