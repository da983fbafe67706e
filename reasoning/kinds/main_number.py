"""The number that a sentence with several numbers states: 270 in "The total after Jason placed 131 pens is 270"."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from reasoning.kinds.number_lexer import Token, lex_numbers

_MAX_CHARS = 120
"""The characters before a number that are examined."""

_MAX_NUMBERS = 40
"""The numbers of a sentence that are examined."""

_MAX_SENTENCE_CHARS = 400
"""The characters before the last number in which its sentence begins."""

# A phrase in front of the main clause: "After deleting 10 files, …". A comma between digits does not end it.
_LEADING = re.compile(
    r"\s*(?:(?:so|thus|therefore|hence|then|finally|and|that)\b,?"
    r"|(?:after|before|in|if|when|since|because|with|for|by|at|on|given|during|once|as|from|out of|of|while|assuming|to"
    r"|per|every|until|over|based)\b[^,;.?!\n]*+(?:[,.](?=\d)[^,;.?!\n]*+)*,)\s",
    re.IGNORECASE,
)
# A clause that gives a reason or a condition.
_REASON = re.compile(r",?\s(?:because|since|if|when|unless)\b|,\s(?:as|so)\b", re.IGNORECASE)
# The end of a clause that begins with a number.
_CLAUSE = re.compile(
    r",\s|;|\s\(|\s(?:because|since|as|so|which|where|if|when|for|with|and|but|or|after|from|that)\b", re.IGNORECASE
)
_PROSE = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}")
_FILLER = (
    r"(?:(?:about|approximately|roughly|around|exactly|only|just|also|therefore|thus|then|now|still|at least|equal to"
    r"|a total of|given by|always|actually|indeed|both|all)\s){0,3}"
)
# "for a total of 47 pets"
_TOTAL = re.compile(r"\b(?:for|making|giving|or) a (?:grand )?total of\s[\s$€£(*]*$", re.IGNORECASE)
_IS = re.compile(
    rf"\b(?P<verb>is|am|are|was|were|be|equals?|becomes?|totals|total(?:ed|led)|(?:comes?|came|amounts?|adds? up) to)\b"
    rf":?\s{_FILLER}[\s$€£(*~≈-]*$",
    re.IGNORECASE,
)
# The result of an equation or of a clause.
_RESULT = re.compile(
    r"(?:[=≈:]|\b(?:i\.e\.|that is|namely),?\s|\bnot\s[^.;]{1,40}\sbut\s"
    r"|,?\swhich (?:is|equals?|totals?(?: to)?|gives|makes|leaves)\s(?:\w+\s)?"
    r"|\b(?:leaving|making|giving|bringing|resulting in|totaling)\s(?:[^\W\d_]+\s){0,4})[\s$€£(*~-]*$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:,|\b(?:and|or))\s[\s$€£(*~-]*$")
# "12 of the 48 cookies", "40 % of 100"
_PART_OF = re.compile(
    r"\s?(?:%|percent)?\s(?:out\s)?of\s(?:(?:the|all|these|those|its|his|her|their)\s)?[$€£]?", re.IGNORECASE
)
# "the 400-meter run"
_ADJECTIVE = re.compile(r"-[^\W\d_]")
# "5 is 10% of 50" states 5.
_SHARE = re.compile(r"\s?(?:%|percent)\sof\s[$€£]?\d", re.IGNORECASE)
_VERBS = (
    "will|would|can|could|must|should|has|have|had|costs?|makes?|made|needs?|needed|takes?|took|earns?|earned|spends?"
    "|spent|pays?|paid|gets?|got|saves?|saved|weighs?|weighed|sells?|sold|buys?|bought|eats?|ate|gives?|gave|drives?"
    "|drove|runs?|ran|walks?|walked|travels?|travel(?:l)?ed|reads?|uses?|used|receives?|received|owes?|owed|requires?"
    "|required|contains?|contained|holds?|held|produces?|produced|leaves?|works?|worked|collects?|collected|finds?"
    "|found|picks?|picked|grows?|grew|loses?|lost|wins?|won|scores?|scored|serves?|served|plants?|planted|bakes?"
    "|baked|sleeps?|slept|charges?|charged|lasts?|lasted"
)
# No preposition stands between a verb and its object.
_NOT_BETWEEN = (
    "after|before|of|in|for|with|from|by|at|on|than|per|if|when|while|that|which|who|be|been|each|every|as|until"
)
_DOES = re.compile(
    rf"(?<!\bto\s)\b(?P<verb>{_VERBS})\s(?:(?!(?:{_NOT_BETWEEN})\b)[^\W\d_]+\s){{0,3}}[\s$€£(*~≈-]*$", re.IGNORECASE
)
# The verb of another clause ("the nails that are 2 inches", "if there are 3 guests"), or a passive, whose subject is
# the answer: "5 tables were needed to seat 10 people".
_NOT_MAIN = re.compile(
    r"\b(?:if|when|that|which|who|whose|where|while|after|before|until|because|since|once|as)\s"
    r"(?:(?:he|she|it|they|there|we|you|i|this|each|both|[A-Z]\w+)\s)?$|\b(?:is|are|was|were|be|been)\s$"
)
# The end of a sentence or a line.
_BOUNDARY = re.compile(r"[.!?][\"'”’*_)\]]{0,4}\s+(?=[^\s\da-z$€£-])|\n\s*")
_CONCLUDES = re.compile(
    r"[\s*_>#-]{0,8}(?:(?:so|therefore|thus|hence|consequently|finally|overall|altogether|in total|in conclusion"
    r"|in the end|as a result|to conclude)\b|(?:this|that|which|it) (?:means|gives|leaves))",
    re.IGNORECASE,
)


def find_main_number(text: str, found: Sequence[Token]) -> int:
    """Return the index of the number that a sentence states.

    It is the first number that a verb of the main clause takes as its object or complement
    ("… is 270", "can make 576"); without such a verb it is the first number of the main clause.

    Args:
        text: one sentence.
        found: its numbers, at least one.
    """
    start = 0
    # "So, after the first day, in total, …"
    for _ in range(3):
        leading = _LEADING.match(text, start)
        if leading is None or found[-1].start < leading.end():
            break
        start = leading.end()
    first = next(token for token in found if token.start >= start)
    # A main clause that begins in words ends at a reason. One that begins with a number ("18, since 3 of 21 …") ends at
    # the first word that may begin another clause.
    prose = _PROSE.search(text, start, first.start)
    ending = _REASON.search(text, start) if prose else _CLAUSE.search(text, first.end)
    end = ending.start() if ending else len(text)
    inside = [index for index, token in enumerate(found) if start <= token.start < end]
    inside = inside or [index for index, token in enumerate(found) if start <= token.start]
    inside = inside[:_MAX_NUMBERS]
    if len(inside) == 1:
        return inside[0]
    heads = ((index, text[max(start, found[index].start - _MAX_CHARS) : found[index].start]) for index in inside)
    totals = (index for index, head in heads if _TOTAL.search(head))
    objects = (index for index in inside if is_object(text, found[index], start))
    return next(totals, next(objects, inside[0]))


def find_last_object(text: str, found: Sequence[Token]) -> int:
    """Return the index of the last number that is a verb's object or a result; otherwise the last index.

    The numbers of a phrase at the end are thus skipped: 7 in "we need 9 vases to hold 7 carnations",
    and 48 in "12 of the 48 cookies".

    Args:
        text: one sentence.
        found: its numbers, at least one.
    """
    last = len(found) - 1
    for index in reversed(range(len(found))):
        head = text[max(0, found[index].start - _MAX_CHARS) : found[index].start]
        if _RESULT.search(head) or is_object(text, found[index]):
            return last
        if index > 0 and _PART_OF.fullmatch(text, found[index - 1].end, found[index].start):
            return index - 1
        # A further item of a list stands for the list, whose first item may be an object.
        last = last if _ITEM.search(head) else index - 1
    return len(found) - 1


def find_concluded(text: str, last: Token) -> Token:
    """Return the number that the sentence of the last number states if it draws a conclusion; else the last number."""
    start = _sentence_start(text, last)
    sentence = text[start : last.end]
    if not _CONCLUDES.match(sentence):
        return last
    found = [token for token in lex_numbers(sentence) if token.value is not None]
    stated = found[find_last_object(sentence, found)] if found else last
    return stated._replace(start=start + stated.start, end=start + stated.end) if found else last


def find_new_number(text: str, asked: Container[int | float]) -> Token | None:
    """Return the number that stands in place of a last one that only repeats the question.

    "They take Olivia 16 minutes to peel 720 shrimps" states 16 if the question has 720. A last
    number that is a result or the object of a verb stays, and only its own sentence is searched.

    Args:
        text: the text.
        asked: the numbers of the question.

    Returns:
        The last number of the last number's sentence that the question does not have; None if the
        last number stays.
    """
    found = [token for token in lex_numbers(text) if token.value is not None]
    if not found:
        return None
    last = find_concluded(text, found[-1])
    start = _sentence_start(text, found[-1])
    head = text[max(start, last.start - _MAX_CHARS) : last.start]
    if last.value not in asked or _RESULT.search(head) or is_object(text, last, start):
        return None
    return next((token for token in reversed(found) if token.start >= start and token.value not in asked), None)


def _sentence_start(text: str, number: Token) -> int:
    """Return the position at which the sentence of a number begins."""
    earliest = max(0, number.start - _MAX_SENTENCE_CHARS)
    return max((match.end() for match in _BOUNDARY.finditer(text, earliest, number.start)), default=earliest)


def is_object(text: str, number: Token, start: int = 0) -> bool:
    """Return whether a number is the object of a verb of the main clause: no adjective, and no share of another number.

    Args:
        text: the sentence.
        number: the number.
        start: the beginning of the main clause.
    """
    head = text[max(start, number.start - _MAX_CHARS) : number.start]
    if _SHARE.match(text, number.end):
        return False
    verb = _IS.search(head) or _DOES.search(head)
    return verb is not None and not _NOT_MAIN.search(head[: verb.start()]) and not _ADJECTIVE.match(text, number.end)
