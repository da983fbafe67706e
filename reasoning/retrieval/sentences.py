"""Sentences of a text. Abbreviations, initials and numbers do not end one."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*|[。！？]+")
"""Marks that may end a sentence. What follows is checked in code, so that a long run of marks takes linear time."""
_WORD_LENGTH = 30
"""Characters of a word next to a mark that are looked at."""
_BEFORE_NAME = re.compile(
    r"mrs?|ms|mx|dr|prof|st|gen|col|lt|sgt|capt|cmdr|adm|rev|hon|gov|sen|rep|pres|vs|cf|e\.g|i\.e|eds?|trans|univ|dept",
    re.IGNORECASE,
)
"""Abbreviations that a word always follows."""
_BEFORE_NUMBER = re.compile(
    r"nos?|nr|vols?|pp?|figs?|art|secs?|ch|chap|ca|approx|est|fl|jan|feb|mar|apr|ju[nl]|aug|sept?|oct|nov|dec",
    re.IGNORECASE,
)
"""Abbreviations that a number follows, or else words that may end a sentence."""
_MAY_END = re.compile(r"inc|ltd|co|corp|etc|[js]r|esq|al|ave|blvd|rd|plc|llc|bros|ft|mt|[^\W\d_]", re.IGNORECASE)
"""Abbreviations and initials that may also end a sentence."""
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_STARTER = re.compile(
    r"an?|after|although|and|as|at|before|both|but|by|during|each|for|from|he|her|his|however|i|if|in|its?|later|many|most|"
    r"on|one|our|several|she|since|some|that|the|their|then|there|these|they|this|those|though|to|today|two|until|we|what|"
    r"when|where|while|who|with|you",
    re.IGNORECASE,
)
"""Words with a capital that begin a sentence, rather than being a part of a name."""


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, without the space around them. A line break ends a sentence.

    Args:
        text: the text; takes time linear in its length.

    Examples:
        >>> split_sentences("Dr. J. R. Osk (b. 1931) grew 3.5 kg. of plums. Who ate them? The U.S. did.")
        ['Dr. J. R. Osk (b. 1931) grew 3.5 kg. of plums.', 'Who ate them?', 'The U.S. did.']
    """
    return [sentence for line in text.splitlines() for sentence in _of_line(line)]


def _of_line(line: str) -> list[str]:
    found, begin = [], 0
    for mark in _END.finditer(line):
        if _ends_sentence(line, mark):
            found.append(line[begin : mark.end()].strip())
            begin = mark.end()
    found.append(line[begin:].strip())
    return [sentence for sentence in found if sentence]


def _ends_sentence(line: str, mark: re.Match[str]) -> bool:
    if mark[0][0] in "。！？":
        return True
    after = line[mark.end() : mark.end() + _WORD_LENGTH]
    if not after or not after[0].isspace():
        # A number, a file's name, the inside of an abbreviation, or the end of the line.
        return False
    following = after.split()
    if not following:
        # More space than a word is long.
        return True
    following_word = following[0].strip("\"'“‘«([").rstrip(",;:")
    if following_word[:1].islower():
        return False
    if mark[0] != ".":
        return True
    before = line[max(0, mark.start() - _WORD_LENGTH) : mark.start()].split()
    word = before[-1].strip("\"'“‘«([") if before and not line[mark.start() - 1].isspace() else ""
    if _BEFORE_NAME.fullmatch(word) or (_BEFORE_NUMBER.fullmatch(word) and following_word[:1].isdecimal()):
        return False
    if _MAY_END.fullmatch(word) or _DOTTED.fullmatch(word):
        return _STARTER.fullmatch(following_word) is not None
    return True
