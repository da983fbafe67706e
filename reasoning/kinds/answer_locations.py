"""The places in a reply that may state the answer: after a trigger, in a box, on the final line.

Each function examines a bounded number of places of bounded length, so the time is linear in the
text's length.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import dropwhile, islice, takewhile
from typing import NamedTuple

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.kinds.json_fields import read_field
from reasoning.kinds.kind import Region
from reasoning.kinds.phrasing import first_sentence

MAX_LINE_CHARS = 2_000
"""The characters of a line that are examined."""

_MAX_PLACES = 200
"""The number of possible triggers, and of boxes, that are examined, from the last one backwards."""

# Every trigger contains one of these literals. They are searched first, because most texts lack most of
# them. Each literal has its own pattern: one pattern for several makes the search of a long text five
# times slower. Case is ignored by searching a copy of the text in lower case, which is far quicker than
# patterns that ignore it. All following patterns expect that copy.
_WORDS = {
    "answer": re.compile(r"answer(?<![^\W_]answer)"),
    " option": re.compile(r" option"),
    " choice": re.compile(r" choice"),
}
# Only kinds with a fixed set of answers take what follows a conclusion's heading, or "let's go with", for the answer:
# other conclusions are sentences.
_CLOSED_WORDS = _WORDS | {
    "conclusion": re.compile(r"conclusion"),
    "verdict": re.compile(r"verdict"),
    "go with": re.compile(r"go with"),
}
# These are searched in the text itself.
_SIGNS = {
    "####": re.compile(r"####(?<!#####)(?!#)"),
    "Ans": re.compile(r"Ans(?=:|\. )(?<!\wAns)"),
    "ANS": re.compile(r"ANS(?=:|\. )(?<!\wANS)"),
}
# "the correct option is"
_PICKED = re.compile(r"\b(?:correct|right|best|final)$")
# The text before the word in a heading.
_HEAD = re.compile(r"[#*_> ]{0,8}(?:(?:the|my|in) )?(?:final |correct |overall )?")
# The text before the word in "I don't think the answer is 5".
_DOUBTED = re.compile(r"(?:\bnot|n['’]t) (?:think|believe|say|mean|claim|conclude) (?:that )?(?:the|my|its) (?:\w+ )?$")
_CHOOSES = re.compile(r"\b(?:let['’]?s|let us|i|we|i['’](?:ll|d)|we['’](?:ll|d)|will|would|to) $")
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
_NAME = r"answers?(?:[ _](?:choice|option|letter|value))?"
_FORMS = {
    "heading": re.compile(r"answer[*_ ]{0,6}(?:(?=\n)| ?[-–—] )"),
    "conclusion": re.compile(r"(?:conclusion|verdict)[*_ ]{0,6}(?:[:：]|(?=\n))"),
    "tag": re.compile(rf"{_NAME}[>\]]"),
    "key": re.compile(rf"{_NAME}[\"']\s?:"),
}
_BEFORE = re.compile(r"(?:(?P<tag>[<\[])(?:\w{1,12}[_ ])?|(?P<key>[\"'])(?:\w{1,20}[_ ])?)$")
"""The text before the word in <final_answer>, [ANSWER] and {"final_answer": …}."""
_TRIGGER = re.compile(
    r"""
    (?: answers?(?:\ (?:choice|option|letter|value))? | \ option | \ choice )
    ["'*_`)\]}]{0,4}                                   # **Answer**:
    (?:\ ?\([^()\n]{0,80}\))?                          # the answer (arabic numerals) is
    (?:\ here|\ (?:to|of|for|in|as|from|among|given|that|which|we|i|based\ on)\ [^\n.?!:=]{1,60}?)?  # to the question
    (?:,?\ (?:therefore|thus|then|hence|so),?)?
    (?: \ ?(?:[:=：]|->|→)
      | \ [*_]{0,2}(?P<verb>is|are|was|equals|(?:would|should|must|will|can\ only)\ be|(?:comes|turns)\ out\ to\ be
                          |(?:has|appears|seems)\ to\ be|becomes)
        (?P<negated>n['’]t)?(?![\w'’])
    )
    """,
    re.VERBOSE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,4}(?:\{|(?P<bare>[^\s{}\\$.,;]{1,20}+))")
_JOINT = re.compile(
    r"[\s$*]*(?:\\[)\]])?(?P<comma>,?)\s?(?:\\text\s?\{\s*)?(?P<word>(?:or|and)\b|(?<=,)|(?<=,\s))[\s$*}]*(?:\\[(\[])?\s*",
    re.IGNORECASE,
)
_NOT = re.compile(r"\bnot[\s*_$\\(\[]{1,6}$", re.IGNORECASE)
# A brace after a backslash is a character, not a delimiter.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# The text after a box that is no final one: the rest of a calculation, or a verb.
_USED = re.compile(
    r"[\s$)\\\]*]{0,6}(?:[-+*/×÷=<>≈^]|\\(?:times|cdot|div|approx|neq?|leq?|geq?)\b"
    r"|(?:is|was|are|were|has|have|had|does|did|can|will|would|must)\b(?!\s(?:the|our|my)\b[^.\n]{0,30}\banswer|\scorrect\b))"
)
_LEAD = " \t*_`\"'“”‘’:"
# A line that only opens or closes something.
_BARE = re.compile(r"[\s*_`#$>\-=\\\[\]().:]*|(?:```|~~~)\w*|\"{3}|'{3}")
# The same where signs are an answer: markup alone, and a sign that opens what follows.
_FRAME = re.compile(r"[\s*_`#$:.]*|-{3,}|={3,}|\\[\[\]()]|(?:```|~~~)\w*|\"{3}|'{3}")
_OPENER = re.compile(r"[\[(>-]")
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


class Box(NamedTuple):
    """The content of a `\\boxed{}`, or of several that conjunctions join.

    Attributes:
        text: the content; of several boxes with the conjunctions between them.
        start: the position at which it begins.
        end: the position at which it ends.
        parts: the contents of the boxes that are joined; empty for one box.
    """

    text: str
    start: int
    end: int
    parts: tuple[str, ...] = ()


def visible_text(text: str, region: Region | None) -> str:
    """Return the part of a reply that is parsed: the text in the region, outside of reasoning tags."""
    text = strip_think_tags(text) if "<" in text else text
    return region.extract(text) if region else text


def find_statements(text: str, *, literal: bool = False, conclusions: bool = False) -> Iterator[Statement]:
    """Yield the statement after each trigger, the last one first; each ends where a later trigger begins.

    Args:
        text: the text.
        literal: whether signs without words ("] ]", "->") and whole blocks are statements too.
        conclusions: whether "Conclusion:" and "Verdict:" are triggers too.
    """
    end, lower = len(text), _lower(text)
    words: list[int] = []
    for found in _words(text, lower, conclusions):
        words += [word.start() for word in found][-_MAX_PLACES:]
    words.sort(reverse=True)
    for word in words[:_MAX_PLACES]:
        if (trigger := _trigger(lower, word)) is None:
            continue
        form, at, negated = trigger
        negated = negated or _DOUBTED.search(lower, max(0, word - 60), word) is not None
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


def _stated_line(rest: str, literal: bool) -> str:
    """Return the line after a trigger; if it contains only markup, the next one that does not."""
    first, _, below = rest.partition("\n")
    line = first.strip()
    if not _BARE.fullmatch(line) and not _AHEAD.fullmatch(line):
        return line
    lines = [line.strip() for line in below.split("\n", 4)[:4]]
    worded = next((_BULLET.sub("", line, count=1) for line in lines if not _BARE.fullmatch(line)), "")
    signs = (line for line in (line, *lines) if not _FRAME.fullmatch(line) and not _AHEAD.fullmatch(line))
    if literal and (first := next(signs, "")) and _BARE.fullmatch(first):
        return worded if worded and _OPENER.fullmatch(first) else first
    return worded


def _list_lines(text: str, start: int) -> tuple[str, ...]:
    """Return the lines of the list that begins below a position; none if fewer than two follow each other."""
    end = text.find("\n", start, start + MAX_LINE_CHARS)
    if end < 0 or not (_BARE.fullmatch(text, start, end) or _AHEAD.fullmatch(text, start, end)):
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


def first_trigger_end(text: str) -> int | None:
    """Return the end of a text's first trigger; None if no trigger is among the first possible ones."""
    lower = _lower(text)
    words = (word.start() for found in _words(text, lower) for word in islice(found, _MAX_PLACES))
    ends = (trigger[1] for word in sorted(words) if (trigger := _trigger(lower, word)))
    return next(ends, None)


def _lower(text: str) -> str:
    """Return the text in lower case, letter by letter, so that all positions stay the same."""
    return (text if text.isascii() else text.replace("İ", "i")).lower()


def _words(text: str, lower: str, conclusions: bool = False) -> list[Iterator[re.Match[str]]]:
    """Return the matches of each literal that occurs."""
    patterns = _CLOSED_WORDS if conclusions else _WORDS
    words = [pattern.finditer(lower) for literal, pattern in patterns.items() if literal in lower]
    return words + [pattern.finditer(text) for literal, pattern in _SIGNS.items() if literal in text]


def _trigger(lower: str, start: int) -> tuple[str, int, bool] | None:
    """Return form, end and negation of the trigger that contains a word; None if the word is no part of a trigger."""
    first = lower[start]
    if first == "#":
        return "mark", start + 4, False
    # "Ans:"
    if first == "a" and lower[start + 3] != "w":
        return "colon", start + 4, False
    before = lower[max(0, start - 40) : start]
    if first == "g":
        return ("conclusion", start + 7, False) if _CHOOSES.search(before) else None
    if first in "cv":
        found = _HEAD.fullmatch(before.rpartition("\n")[2]) and _FORMS["conclusion"].match(lower, start)
        return ("conclusion", found.end(), False) if found else None
    if first == " " and not _PICKED.search(before):
        return None
    quoted = "<" in before or "[" in before or '"' in before or "'" in before
    opened = _BEFORE.search(before) if quoted else None
    if opened and (found := _FORMS[str(opened.lastgroup)].match(lower, start)):
        return str(opened.lastgroup), found.end(), False
    if found := _TRIGGER.match(lower, start):
        return "verb" if found["verb"] else "colon", found.end(), found["negated"] is not None
    at_line = "\n" in before or start == len(before)
    found = _FORMS["heading"].match(lower, start) if at_line and _HEAD.fullmatch(before.rpartition("\n")[2]) else None
    return ("heading", found.end(), False) if found else None


def find_last_box(text: str) -> Box | None:
    """Return the last `\\boxed{}` whose braces match, or the last `\\boxed` with a word after it; None without one.

    Boxes that a conjunction joins are one: "3 or 4" in "\\boxed{3} or \\boxed{4}".
    """
    last: Box | None = None
    for match in reversed(deque(_BOX.finditer(text), maxlen=_MAX_PLACES)):
        # "It is not \\boxed{5}."
        if (box := _box(text, match)) is None or _NOT.search(text, max(0, match.start() - 12), match.start()):
            continue
        if last is None:
            last = box
        elif (joint := _JOINT.fullmatch(text, box.end, last.start)) is None or len(last.text) > MAX_LINE_CHARS:
            break
        elif box.text != last.text:
            joined = f"{box.text}{joint['comma']} {joint['word']} {last.text}".replace("  ", " ")
            last = Box(joined, box.start, last.end, (box.text, *(last.parts or [last.text])))
    return last


def _box(text: str, match: re.Match[str]) -> Box | None:
    if match["bare"]:
        return Box(str(match["bare"]), match.start(), match.end())
    depth = 1
    for brace in _BRACE.finditer(text, match.end(), match.end() + MAX_LINE_CHARS):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return Box(text[match.end() : brace.start()].strip(), match.start(), brace.end())
    return None


def is_final_box(text: str, box: Box, after: Statement) -> bool:
    """Return whether a box states the answer of a text although a statement stands before it.

    Such a statement may be a first guess or an earlier result. A box within a calculation, or one
    that its sentence then describes ("\\boxed{5} is for …"), states nothing, and a field or a tag
    outranks all boxes.
    """
    if after.form in ("key", "tag") or box.start < after.start + len(first_sentence(after.text)):
        return False
    return _USED.match(text, box.end, box.end + MAX_LINE_CHARS) is None


def last_boxed(text: str) -> str | None:
    """Return the content of the last box; None without one."""
    box = find_last_box(text)
    return box.text if box else None


def final_lines(text: str, *, literal: bool = False) -> tuple[str, str]:
    """Return the last line that is not empty, and the one before it.

    A line that is missing or longer than `MAX_LINE_CHARS` is returned as an empty text. With
    `literal`, a line of signs ("] ]", "->") counts too.
    """
    found: list[str] = []
    end = len(text.rstrip())
    only = literal and "\n" not in text.strip()
    # A few bare lines may follow: a closing fence, `$$`.
    for _ in range(12):
        start = text.rfind("\n", 0, end) + 1
        line = text[start : min(end, start + MAX_LINE_CHARS + 1)].strip()
        bare = _FRAME.fullmatch(line) or (not only and _OPENER.fullmatch(line)) if literal else _BARE.fullmatch(line)
        if not bare:
            found.append("" if len(line) > MAX_LINE_CHARS else line.strip())
        if len(found) == 2 or start == 0:
            break
        end = start - 1
    return (*found, "", "")[0], (*found, "", "")[1]


def first_line(text: str) -> str:
    """Return the first line if the second is empty and more follows; otherwise an empty text."""
    line, _, rest = text.strip()[: MAX_LINE_CHARS + 1].partition("\n")
    return line.strip() if re.match(r"[^\S\n]{0,20}\n", rest) and len(line) <= MAX_LINE_CHARS else ""
