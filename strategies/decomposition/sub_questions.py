"""Sub-questions of a decomposition: the items of a reply that ask for something."""

from __future__ import annotations

import re

from reasoning.strategies.reply_parsing import normalize_question, parse_items

_WORDS = (
    r"(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|has|have|will|would"
    r"|in (?:what|which|how))\b(?!\s*:)"
)
_TASKS = (
    r"(?:find|calculate|compute|determine|work out|figure out|identify|list|count|add|subtract|multiply|divide|sum"
    r"|solve|name|convert|express|evaluate|simplify|estimate|compare|combine|concatenate|join|replace|reverse"
    r"|translate|take|get|write|say|state|answer|check|decide|order|sort)\b(?!\s*:)"
)
_ASKS = re.compile(rf"(?:\W*(?:(?:first|then|next|now|finally|lastly),?\s+)?(?:{_WORDS}|{_TASKS}))", re.IGNORECASE)
_MARK = re.compile(r"[?？](?=\s|$|[|(*])")
_TO_THE_USER = re.compile(
    r"\W*(?:(?:would|do|could|can|are|shall|should|may|did|is)\s+(?:you|i|we|there any(?:thing)?)\b)", re.I
)
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{3,400})[\"”“»]")
_TO_SOLVE = re.compile(r"\bneed(?:s)? to (?:first )?(?:solve|answer|know)\b[^\n]{0,20}?:", re.IGNORECASE)


def parse_sub_questions(text: str) -> list[str]:
    """Return what a decomposition asks, in order and without repetitions.

    Items of a list count if they ask: with a question mark, a question word or the verb of a task
    ("Calculate …"). Statements, headings, calculations and results are dropped, and so is what
    follows a question mark. Without such an item the quoted texts after "we need to first solve:",
    the paper's form, count; without these, the questions of running text do, but not those to the
    user ("Would you like …?").

    Args:
        text: the reply.

    Examples:
        >>> parse_sub_questions("1. Ann has 3 pens.\\n2. How many pens has Bob? 3 + 2 = 5.\\n3. Calculate the sum.")
        ['How many pens has Bob?', 'Calculate the sum.']
    """
    asked = [asked for item in parse_items(text) if (asked := _asked(item))]
    if not asked and (first := _TO_SOLVE.search(text)):
        asked = _QUOTED.findall(text, first.end())
    if not asked:
        sentences = (sentence.strip(' \t*_`"“”„«»') for sentence in _SENTENCE.split(text))
        asked = [
            sentence for sentence in sentences if sentence.endswith(("?", "？")) and not _TO_THE_USER.match(sentence)
        ]
    return list({normalize_question(item): item for item in asked}.values())


def _asked(item: str) -> str:
    """Return an item up to its question mark, without cells before the question; empty if it asks nothing."""
    if mark := _MARK.search(item):
        return item[: mark.end()].rpartition("|")[2].strip()
    return item if _ASKS.match(item) else ""
